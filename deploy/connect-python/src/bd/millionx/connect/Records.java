package bd.millionx.connect;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.sink.SinkRecord;

/** Packs a record: [topic, partition, offset, key schema, key, value schema, value, headers, timestamp]. */
final class Records {
    private Records() {}

    static void write(Pack out, PythonHost host, SinkRecord record) {
        out.array(9).string(record.topic()).integer(record.kafkaPartition()).integer(record.kafkaOffset());
        schemaAndValue(out, host, record.keySchema(), record.key());
        schemaAndValue(out, host, record.valueSchema(), record.value());
        headers(out, record.headers());
        timestamp(out, record.timestamp());
    }

    static void schemaAndValue(Pack out, PythonHost host, Schema schema, Object value) {
        out.integer(host.schema(schema));
        bd.millionx.connect.Values.write(out, schema, value);
    }

    static void timestamp(Pack out, Long timestamp) {
        if (timestamp == null) out.nil();
        else out.integer(timestamp);
    }

    /** Name and bytes each: as they are, or the UTF-8 of what Connect writes for other types. */
    static void headers(Pack out, Headers headers) {
        out.array(headers.size());
        for (Header header : headers) {
            out.array(2).string(header.key());
            byte[] bytes = bytes(header);
            if (bytes == null) out.nil();
            else out.binary(bytes);
        }
    }

    static byte[] bytes(Header header) {
        Object value = header.value();
        if (value == null) return null;
        if (value instanceof byte[] bytes) return bytes;
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return bytes;
        }
        String text = value instanceof String string ? string : Values.convertToString(header.schema(), value);
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Reads what {@link #headers} writes; a header that Python left alone is the one it was, with its schema. */
    static Headers readHeaders(Unpack in, Headers originals) {
        Headers headers = new ConnectHeaders();
        for (int left = in.array(); left > 0; left--) {
            in.array();
            String name = in.string();
            byte[] value = in.nil() ? null : in.binary();
            Header original = find(originals, name, value);
            if (original != null) headers.add(original);
            else headers.add(name, value == null ? null : textOrBytes(value));
        }
        return headers;
    }

    private static Header find(Headers originals, String name, byte[] value) {
        for (Header header : originals)
            if (header.key().equals(name) && Arrays.equals(bytes(header), value)) return header;
        return null;
    }

    private static SchemaAndValue textOrBytes(byte[] value) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
            return new SchemaAndValue(Schema.STRING_SCHEMA, text);
        } catch (CharacterCodingException error) {
            return new SchemaAndValue(Schema.BYTES_SCHEMA, value);
        }
    }
}
