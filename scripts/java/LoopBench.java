import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The work of the chain of posts as a plain Java loop, exactly once: decode Avro, check, scrub, pseudonym, language,
 * encode. It searches three kinds of personal data (phone, mail, NID) where the chain searches all of its kinds.
 * Arguments: bootstrap, source topic, output topic, records, folder of the schemas, id of the output's schema, list of
 * the language's words (word=score), records to work through before the clock starts. Prints the JSON of a contender.
 */
public final class LoopBench {
    private static final int BATCH = 2000; // records of a transaction, as batch.max.records
    private static final Pattern PHONE = Pattern.compile("(?<![0-9০-৯])(?:\\+?(?:88|৮৮))?[0০][1১][3-9৩-৯][0-9০-৯]{8}(?![0-9০-৯])");
    private static final Pattern MAIL = Pattern.compile("[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9.-]{1,255}");
    private static final Pattern NID = Pattern.compile("(?i:nid|এনআইডি)[^0-9০-৯]{0,20}([0-9০-৯]{10,17})");
    private static final Pattern WORD = Pattern.compile("[a-z]{2,20}");
    private static final DateTimeFormatter ISO =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final Set<String> PLATFORMS = Set.of("tiktok", "facebook");
    private static final List<String> COUNTS = List.of("likes", "comments", "shares", "engagement_count");

    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final Schema output;
    private final ByteBuffer head;
    private final Map<String, Integer> scores = new HashMap<>();
    private final Mac mac = Mac.getInstance("HmacSHA256");
    private final Map<String, String> pseudonyms = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > 100_000;
        }
    };
    private final StringBuilder found = new StringBuilder();
    private GenericRecord post;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    private LoopBench(Path schemas, int id, String words) throws IOException, GeneralSecurityException {
        Schema source = schema(schemas.resolve("social_post.avsc"));
        output = schema(schemas.resolve("enriched_post.avsc"));
        reader = new GenericDatumReader<>(source);
        writer = new GenericDatumWriter<>(output);
        head = ByteBuffer.allocate(5).put((byte) 0).putInt(id);
        for (String word : words.split(" ")) {
            int at = word.indexOf('=');
            scores.put(word.substring(0, at), Integer.valueOf(word.substring(at + 1)));
        }
        mac.init(new SecretKeySpec("a key of this benchmark, 32 byte".getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    }

    private static Schema schema(Path file) throws IOException {
        Schema schema = new Schema.Parser().parse(Files.readString(file));
        text(schema, new HashSet<>());
        return schema;
    }

    private static void text(Schema schema, Set<String> seen) { // java.lang.String, which the patterns need
        switch (schema.getType()) {
            case STRING -> schema.addProp("avro.java.string", "String");
            case ARRAY -> text(schema.getElementType(), seen);
            case UNION -> schema.getTypes().forEach(one -> text(one, seen));
            case RECORD -> {
                if (seen.add(schema.getFullName())) {
                    schema.getFields().forEach(field -> text(field.schema(), seen));
                }
            }
            default -> { }
        }
    }

    /** The output's bytes of one post; the header of what was scrubbed is left in {@code found}. */
    private byte[] work(byte[] value, java.io.ByteArrayOutputStream bytes) throws IOException {
        decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
        post = reader.read(post, decoder);
        String content = (String) post.get("content");
        if (((String) post.get("post_id")).isEmpty() || content.length() < 5 || !PLATFORMS.contains(post.get("platform"))) {
            throw new IllegalArgumentException("a post that the schema's constraints refuse");
        }
        for (String count : COUNTS) {
            if ((Long) post.get(count) < 0) {
                throw new IllegalArgumentException(count);
            }
        }
        found.setLength(0);
        content = scrubbed(content);
        List<String> tags = new ArrayList<>();
        for (Object tag : (List<?>) post.get("hashtags")) {
            tags.add(scrubbed((String) tag));
        }
        GenericRecord made = new GenericData.Record(output);
        made.put("post_id", post.get("post_id"));
        made.put("platform", post.get("platform"));
        made.put("content", content);
        String author = (String) post.get("author_username");
        made.put("author_username_hash", author == null ? null : pseudonyms.computeIfAbsent(author, this::pseudonym));
        made.put("hashtags", tags);
        made.put("product_mentions", post.get("product_mentions"));
        made.put("language", language(content));
        made.put("likes", post.get("likes"));
        made.put("comments", post.get("comments"));
        made.put("shares", post.get("shares"));
        made.put("engagement", post.get("engagement_count"));
        made.put("timestamp", ISO.format(Instant.ofEpochMilli((Long) post.get("posted_at"))));
        made.put("collected_at", ISO.format(Instant.ofEpochMilli((Long) post.get("collected_at"))));
        bytes.reset();
        bytes.write(head.array(), 0, 5);
        encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
        writer.write(made, encoder);
        encoder.flush();
        return bytes.toByteArray();
    }

    private String scrubbed(String text) {
        boolean digit = false;
        boolean at = false;
        for (int i = 0; i < text.length(); i++) {
            char one = text.charAt(i);
            digit |= one >= '0' && one <= '9' || one >= '০' && one <= '৯';
            at |= one == '@';
        }
        String result = at ? replaced(MAIL, text, "EMAIL") : text;
        return digit ? replaced(PHONE, replaced(NID, result, "NID"), "PHONE") : result;
    }

    private String replaced(Pattern pattern, String text, String kind) {
        Matcher matcher = pattern.matcher(text);
        int count = 0;
        StringBuilder made = null;
        while (matcher.find()) {
            made = made == null ? new StringBuilder() : made;
            matcher.appendReplacement(made, "[" + kind + "]");
            count++;
        }
        if (made == null) {
            return text;
        }
        found.append(found.isEmpty() ? "" : ";").append(kind).append('=').append(count);
        return matcher.appendTail(made).toString();
    }

    private String pseudonym(String author) {
        String name = "name:" + author.toLowerCase().strip();
        return "k1:" + HexFormat.of().formatHex(mac.doFinal(name.getBytes(StandardCharsets.UTF_8)));
    }

    private String language(String text) {
        String start = text.substring(0, Math.min(400, text.length()));
        int bengali = 0;
        for (int i = 0; i < start.length(); i++) {
            bengali += start.charAt(i) >= 0x980 && start.charAt(i) < 0xA00 ? 1 : 0;
        }
        if (bengali > 0 && bengali * 3 >= start.length()) {
            return "bn";
        }
        Matcher words = WORD.matcher(start.toLowerCase());
        int letters = 0;
        int score = 0;
        while (words.find()) {
            letters += words.end() - words.start();
            score += scores.getOrDefault(words.group(), 0);
        }
        if (bengali > 0 && bengali * 2 >= letters) {
            return "bn";
        }
        return letters == 0 ? null : score > 0 ? "bn-Latn" : "en";
    }

    public static void main(String[] args) throws Exception {
        long records = Long.parseLong(args[3]);
        long warm = Long.parseLong(args[7]);
        LoopBench bench = new LoopBench(Path.of(args[4]), Integer.parseInt(args[5]), args[6]);
        String run = "bench-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        Properties reads = new Properties();
        reads.putAll(Map.of("bootstrap.servers", args[0], "group.id", run, "auto.offset.reset", "earliest",
                "enable.auto.commit", "false", "isolation.level", "read_committed", "max.poll.records", BATCH,
                "max.partition.fetch.bytes", 4 << 20));
        Properties writes = new Properties();
        writes.putAll(Map.of("bootstrap.servers", args[0], "transactional.id", run, "compression.type", "lz4",
                "linger.ms", 5, "batch.size", 256 << 10));
        ByteArrayDeserializer in = new ByteArrayDeserializer();
        ByteArraySerializer out = new ByteArraySerializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(reads, in, in);
                KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(writes, out, out)) {
            producer.initTransactions();
            consumer.subscribe(List.of(args[1]));
            for (long done = 0; done < warm; ) {
                done += bench.pass(consumer, producer, args[2], Math.min(records, warm - done));
                consumer.seekToBeginning(consumer.assignment());
            }
            long cpu = cpu();
            long began = System.nanoTime();
            bench.pass(consumer, producer, args[2], records);
            System.out.printf("{\"seconds\": %f, \"cpu\": %f, \"rss\": %d}%n", (System.nanoTime() - began) / 1e9,
                    (cpu() - cpu) / 1e9, resident());
        }
    }

    private long pass(KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer, String topic,
            long records) throws IOException {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream(4096);
        long done = 0;
        while (done < records) {
            ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofMillis(100));
            if (polled.isEmpty()) {
                continue;
            }
            producer.beginTransaction();
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (ConsumerRecord<byte[], byte[]> one : polled) {
                ProducerRecord<byte[], byte[]> made = new ProducerRecord<>(topic, one.key(), work(one.value(), bytes));
                if (!found.isEmpty()) {
                    made.headers().add("millionx.redacted", found.toString().getBytes(StandardCharsets.UTF_8));
                }
                producer.send(made);
                offsets.put(new TopicPartition(one.topic(), one.partition()), new OffsetAndMetadata(one.offset() + 1));
            }
            producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
            producer.commitTransaction();
            done += polled.count();
        }
        return done;
    }

    private static long cpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
    }

    private static long resident() throws IOException { // MB
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM"))
                .map(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0L) / 1000;
    }
}
