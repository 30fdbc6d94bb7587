package bd.millionx.connect;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/**
 * Times a sink that forgets its records, bare, with the privacy gate inside its own process, and behind the gate as a
 * transform, in rounds that take turns. The records are posts with two vectors, in batches as Connect hands them over.
 * Arguments: folder of the Avro files, records a round, rounds. Prints lines as {@link BridgeBench} does.
 */
public final class GateBench {
    private static final int BATCH = 500; // max.poll.records
    private static final int DIMENSIONS = 384;
    private static final Schema TEXTS = SchemaBuilder.array(Schema.STRING_SCHEMA).build();
    private static final Schema POST = SchemaBuilder.struct().name("bd.millionx.VectorPost")
            .field("post_id", Schema.STRING_SCHEMA)
            .field("platform", Schema.STRING_SCHEMA)
            .field("content", Schema.STRING_SCHEMA)
            .field("author_username_hash", Schema.OPTIONAL_STRING_SCHEMA)
            .field("hashtags", TEXTS)
            .field("product_mentions", TEXTS)
            .field("language", Schema.OPTIONAL_STRING_SCHEMA)
            .field("likes", Schema.INT64_SCHEMA)
            .field("comments", Schema.INT64_SCHEMA)
            .field("shares", Schema.INT64_SCHEMA)
            .field("engagement", Schema.INT64_SCHEMA)
            .field("timestamp", Schema.STRING_SCHEMA)
            .field("collected_at", Schema.STRING_SCHEMA)
            .field("words", Schema.STRING_SCHEMA)
            .field("embedding_models", TEXTS)
            .field("embedding_variant", Schema.STRING_SCHEMA)
            .field("vectors", SchemaBuilder.map(Schema.STRING_SCHEMA,
                    SchemaBuilder.array(Schema.FLOAT32_SCHEMA).build()).build())
            .build();

    private static SinkRecord record(int i, Random random) {
        Struct value = new Struct(POST)
                .put("post_id", "7300000000000" + i)
                .put("platform", "tiktok")
                .put("content", "These winter shoes are warm and cheap, শীতের জুতা দাম কত, the shop in Mirpur "
                        + (i % 10 == 0 ? "forgot karim.uddin" + i + "@example.com" : "delivered it in two days"))
                .put("author_username_hash", "k1:" + "0123456789abcdef".repeat(4))
                .put("hashtags", List.of("winter", "shoes"))
                .put("product_mentions", List.of("Winter Shoes"))
                .put("language", "en")
                .put("likes", (long) i)
                .put("comments", 12L)
                .put("shares", 3L)
                .put("engagement", i + 15L)
                .put("timestamp", "2026-11-01T10:00:00Z")
                .put("collected_at", "2026-11-01T10:05:00Z")
                .put("words", "winter shoe warm cheap shit jut dam shop deliver two day")
                .put("embedding_models", List.of("e5@0123456789ab", "minilm@0123456789ab"))
                .put("embedding_variant", "onnx/fp32")
                .put("vectors", Map.of("e5", vector(random), "minilm", vector(random)));
        return new SinkRecord("sink.weaviate.vectors", 0, Schema.STRING_SCHEMA,
                "5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10", POST, value, i, 1_760_000_000_000L, TimestampType.CREATE_TIME);
    }

    private static List<Float> vector(Random random) {
        List<Float> vector = new ArrayList<>(DIMENSIONS);
        for (int i = 0; i < DIMENSIONS; i++) vector.add((random.nextFloat() - 0.5f) / 10);
        return vector;
    }

    private static PythonSinkTask sink(String pythonClass, String schemas) {
        PythonSinkTask task = new PythonSinkTask();
        task.initialize((SinkTaskContext) Proxy.newProxyInstance(
                GateBench.class.getClassLoader(), new Class<?>[] {SinkTaskContext.class}, (self, method, given) -> null));
        task.start(new HashMap<>(Map.of("python.class", pythonClass, "python.schemas", schemas)));
        return task;
    }

    public static void main(String[] args) {
        int count = Integer.parseInt(args[1]);
        int rounds = Integer.parseInt(args[2]);
        Random random = new Random(7);
        List<SinkRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) records.add(record(i, random));
        PythonSinkTask open = sink("bench_plugins:Discard", args[0]);
        PythonSinkTask gated = sink("bench_plugins:GatedDiscard", args[0]);
        PythonTransform<SinkRecord> gate = new PythonTransform.Value<>();
        gate.configure(Map.of("class", "glue.transforms.scrub:ScrubPII", "again", "true", "python.schemas", args[0]));
        for (int round = -1; round < rounds; round++) { // the first one only warms up
            long start = System.nanoTime();
            for (int at = 0; at < count; at += BATCH) open.put(records.subList(at, Math.min(count, at + BATCH)));
            long bare = System.nanoTime() - start;
            start = System.nanoTime();
            for (int at = 0; at < count; at += BATCH) gated.put(records.subList(at, Math.min(count, at + BATCH)));
            long inside = System.nanoTime() - start;
            start = System.nanoTime();
            for (int at = 0; at < count; at += BATCH) {
                List<SinkRecord> passed = new ArrayList<>(BATCH);
                for (SinkRecord record : records.subList(at, Math.min(count, at + BATCH))) passed.add(gate.apply(record));
                open.put(passed);
            }
            long before = System.nanoTime() - start;
            if (round < 0) continue;
            System.out.println("open " + bare / count + " 0");
            System.out.println("inside " + inside / count + " 0");
            System.out.println("before " + before / count + " 0");
        }
        gate.close();
        gated.stop();
        open.stop();
    }
}
