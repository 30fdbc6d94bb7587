package bd.millionx.connect;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Times a transform per record against the bare round trip of the same bytes over the same socket, in rounds that take
 * turns, so that a noisy machine is noisy for all. Arguments: python class, records a round, rounds. Prints a line
 * "name nanoseconds-per-record request-bytes" for each measurement of each round.
 */
public final class BridgeBench {
    private static final Pattern MAIL = Pattern.compile("[\\w.+-]{1,64}@[\\w-]{1,63}\\.[\\w.]{2,63}");
    private static final Schema POST = SchemaBuilder.struct().name("bd.millionx.Post")
            .field("post_id", Schema.STRING_SCHEMA)
            .field("platform", Schema.STRING_SCHEMA)
            .field("content", Schema.STRING_SCHEMA)
            .field("author_username", Schema.OPTIONAL_STRING_SCHEMA)
            .field("hashtags", SchemaBuilder.array(Schema.STRING_SCHEMA).build())
            .field("likes", Schema.INT64_SCHEMA)
            .field("comments", Schema.INT64_SCHEMA)
            .field("shares", Schema.INT64_SCHEMA)
            .field("posted_at", org.apache.kafka.connect.data.Timestamp.SCHEMA)
            .build();

    private static SinkRecord record(int i) {
        String mail = i % 10 == 0 ? "karim.uddin" + i + "@example.com" : "the shop in Mirpur";
        Struct value = new Struct(POST)
                .put("post_id", "7300000000000" + i)
                .put("platform", "tiktok")
                .put("content", "These winter shoes are warm and cheap, শীতের জুতা দাম কত, write to " + mail
                        + " and tell them I sent you, delivery took two days")
                .put("author_username", "user" + i)
                .put("hashtags", List.of("winter", "shoes"))
                .put("likes", (long) i)
                .put("comments", 12L)
                .put("shares", 3L)
                .put("posted_at", new java.util.Date(1_760_000_000_000L + i));
        return new SinkRecord("source.social.tiktok", 0, Schema.STRING_SCHEMA,
                "5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10", POST, value, i, 1_760_000_000_000L, TimestampType.CREATE_TIME);
    }

    /** What the same SMT would be in Java: a new struct, the text's mails masked. */
    private static SinkRecord java(SinkRecord record) {
        Struct value = (Struct) record.value();
        Struct copy = new Struct(POST);
        for (var field : POST.fields()) {
            Object inner = value.get(field);
            copy.put(field, field.name().equals("content") ? MAIL.matcher((String) inner).replaceAll("[EMAIL]") : inner);
        }
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(), POST, copy,
                record.timestamp());
    }

    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[1]);
        int rounds = Integer.parseInt(args[2]);
        List<SinkRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) records.add(record(i));
        Map<String, Object> props = new HashMap<>(Map.of("class", args[0]));
        PythonTransform<SinkRecord> transform = new PythonTransform.Value<>();
        transform.configure(props);
        PythonPlugin identity = new PythonPlugin("transform", Map.of("class", "bench_plugins:Identity"));
        PythonTransform<SinkRecord> passing = new PythonTransform.Value<>();
        passing.configure(Map.of("class", "bench_plugins:Identity"));
        PythonTransform<SinkRecord> looking = new PythonTransform.Value<>();
        looking.configure(Map.of("class", "bench_plugins:Looking"));
        identity.send(identity.host(), Op.APPLY, records.get(0), false); // tells the schema, so that a frame is one frame
        long sink = 0;
        for (int round = -1; round < rounds; round++) { // the first one only warms up
            int bytes = 0;
            long start = System.nanoTime();
            for (SinkRecord record : records) sink += record.hashCode() & 1;
            long none = System.nanoTime() - start;
            start = System.nanoTime();
            for (SinkRecord record : records) sink += java(record).kafkaOffset();
            long inJava = System.nanoTime() - start;
            start = System.nanoTime();
            for (SinkRecord record : records) sink += passing.apply(record).kafkaOffset();
            long passed = System.nanoTime() - start;
            start = System.nanoTime();
            for (SinkRecord record : records) sink += looking.apply(record).kafkaOffset();
            long looked = System.nanoTime() - start;
            start = System.nanoTime();
            for (SinkRecord record : records) sink += transform.apply(record).kafkaOffset();
            long inPython = System.nanoTime() - start;
            List<ByteBuffer> frames = new ArrayList<>();
            for (SinkRecord record : records) frames.add(frame(identity.host(), record));
            bytes = frames.get(0).remaining();
            start = System.nanoTime();
            for (SinkRecord record : records) {
                PythonPlugin.pack(identity.host(), Op.APPLY, record, false);
                sink += identity.host().finished().remaining();
            }
            long packed = System.nanoTime() - start;
            long bare = bare(identity.host(), frames);
            if (round < 0) continue;
            print("none", none / count, bytes);
            print("java", inJava / count, bytes);
            print("identity", passed / count, bytes);
            print("looking", looked / count, bytes);
            print("python", inPython / count, bytes);
            print("pack", packed / count, bytes);
            print("bare", bare / count, bytes);
        }
        transform.close();
        passing.close();
        looking.close();
        identity.close();
        if (sink == 42) System.out.println();
    }

    static ByteBuffer frame(PythonHost host, SinkRecord record) {
        PythonPlugin.pack(host, Op.APPLY, record, false);
        ByteBuffer bytes = host.finished();
        return ByteBuffer.allocate(bytes.remaining()).put(bytes).flip();
    }

    /** Each frame there and back unread: two system calls on either side, and nothing else. */
    static long bare(PythonHost host, List<ByteBuffer> frames) throws IOException {
        host.request().array(2).integer(Op.ECHO).integer(frames.size());
        host.call(60_000);
        ByteBuffer back = ByteBuffer.allocate(1 << 16);
        long start = System.nanoTime();
        for (ByteBuffer frame : frames) {
            int left = frame.remaining();
            host.channel().write(frame);
            back.clear();
            while (left > 0) left -= host.channel().read(back);
        }
        return System.nanoTime() - start;
    }

    static void print(String name, long nanos, int bytes) {
        System.out.println(name + " " + nanos + " " + bytes);
    }
}
