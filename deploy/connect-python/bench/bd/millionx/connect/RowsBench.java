package bd.millionx.connect;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Times the privacy gate before a sink of orders, where it says what passes and where each record is shown to it, and the
 * bare round trip of the same bytes, in rounds that take turns. Ids and times are new in each round, as they are in a
 * topic; shops, products and cities come again. Arguments: folder of the Avro files, records a round, rounds.
 */
public final class RowsBench {
    private static final Schema PRICE = Decimal.builder(4).build();
    private static final Schema ROW = SchemaBuilder.struct().name("bd.millionx.OrderRow")
            .field("record_key", Schema.STRING_SCHEMA)
            .field("version", Schema.INT64_SCHEMA)
            .field("platform", Schema.STRING_SCHEMA)
            .field("merchant_id", Schema.STRING_SCHEMA)
            .field("order_id", Schema.STRING_SCHEMA)
            .field("line_id", Schema.STRING_SCHEMA)
            .field("product_id", Schema.STRING_SCHEMA)
            .field("product_name", Schema.STRING_SCHEMA)
            .field("quantity", Schema.INT64_SCHEMA)
            .field("price", PRICE)
            .field("net_sales", PRICE)
            .field("currency", Schema.STRING_SCHEMA)
            .field("order_status", Schema.STRING_SCHEMA)
            .field("financial_status", Schema.OPTIONAL_STRING_SCHEMA)
            .field("shipping_city", Schema.OPTIONAL_STRING_SCHEMA)
            .field("place_code", Schema.OPTIONAL_STRING_SCHEMA)
            .field("customer_phone_hash", Schema.OPTIONAL_STRING_SCHEMA)
            .field("ordered_at", Timestamp.SCHEMA)
            .build();

    private static SinkRecord record(int i) {
        Struct value = new Struct(ROW)
                .put("record_key", UUID.nameUUIDFromBytes(new byte[] {(byte) i, (byte) (i >> 8), (byte) (i >> 16)}).toString())
                .put("version", (long) i)
                .put("platform", "shopify")
                .put("merchant_id", "dhaka-shoes-" + i % 5)
                .put("order_id", Long.toString(5_800_000_000_000L + i))
                .put("line_id", Long.toString(14_900_000_000_000L + i))
                .put("product_id", Long.toString(8_100_000_000_000L + i % 200))
                .put("product_name", "শীতের জুতা Winter Shoe No. " + i % 200)
                .put("quantity", 1L + i % 3)
                .put("price", new BigDecimal("1250.0000"))
                .put("net_sales", new BigDecimal("1250.0000"))
                .put("currency", "BDT")
                .put("order_status", "open")
                .put("financial_status", "paid")
                .put("shipping_city", "Mirpur " + i % 14)
                .put("place_code", "BD-13")
                .put("customer_phone_hash", String.format("k1:%064x", i * 7919L))
                .put("ordered_at", new Date(1_790_000_000_000L + i));
        return new SinkRecord("sink.snowflake.orders", 0, Schema.STRING_SCHEMA, "k", ROW, value, i, 1_790_000_000_000L,
                TimestampType.CREATE_TIME);
    }

    private static PythonTransform<SinkRecord> gate(String pythonClass, String schemas) {
        PythonTransform<SinkRecord> gate = new PythonTransform.Value<>();
        gate.configure(Map.of("class", pythonClass, "again", "true", "python.schemas", schemas));
        return gate;
    }

    private static long time(PythonTransform<SinkRecord> gate, List<SinkRecord> records) {
        long start = System.nanoTime();
        for (SinkRecord record : records) if (gate.apply(record) != record) throw new IllegalStateException("a find");
        return System.nanoTime() - start;
    }

    public static void main(String[] args) throws IOException {
        int count = Integer.parseInt(args[1]);
        int rounds = Integer.parseInt(args[2]);
        PythonTransform<SinkRecord> shown = gate("bench_plugins:Shown", args[0]);
        PythonTransform<SinkRecord> passing = gate("glue.transforms.scrub:ScrubPII", args[0]);
        PythonPlugin plain = new PythonPlugin("transform", Map.of("class", "bench_plugins:Identity"));
        plain.send(plain.host(), Op.APPLY, record(0), false); // tells the schema, so that a frame is one frame
        for (int round = -1; round < rounds; round++) { // the first one only warms up
            List<SinkRecord> records = new ArrayList<>();
            for (int i = 0; i < count; i++) records.add(record((round + 1) * count + i));
            List<ByteBuffer> frames = new ArrayList<>();
            for (SinkRecord record : records) frames.add(BridgeBench.frame(plain.host(), record));
            int bytes = frames.get(0).remaining();
            long each = time(shown, records);
            long some = time(passing, records);
            long bare = BridgeBench.bare(plain.host(), frames);
            if (round < 0) continue;
            BridgeBench.print("shown", each / count, bytes);
            BridgeBench.print("passing", some / count, bytes);
            BridgeBench.print("bare", bare / count, bytes);
        }
        shown.close();
        passing.close();
        plain.close();
    }
}
