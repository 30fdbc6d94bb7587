package bd.millionx.connect;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Reads lines of Connect's JSON with its schema, sends each through a Python transform, and prints "same", the
 * difference, or "error: " and the message. Arguments: class, module path.
 */
public final class RoundTrip {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", "true"), false);
        PythonTransform<SinkRecord> transform = new PythonTransform.Value<>();
        transform.configure(Map.of("class", args[0], "python.path", args[1]));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                SchemaAndValue data = converter.toConnectData("t", line.getBytes(StandardCharsets.UTF_8));
                SinkRecord given = new SinkRecord("t", 0, null, null, data.schema(), data.value(), 1);
                SinkRecord got = transform.apply(given);
                if (!java.util.Objects.equals(given.valueSchema(), got.valueSchema()))
                    out.println("another schema: " + got.valueSchema());
                else out.println(same(given.value(), got.value()) ? "same" : given.value() + " became " + got.value());
            } catch (RuntimeException error) {
                out.println("error: " + error.getMessage());
            }
        }
        transform.close();
    }

    private static boolean same(Object one, Object other) {
        if (one instanceof Struct a && other instanceof Struct b)
            return a.schema().fields().stream().allMatch(
                    field -> same(a.getWithoutDefault(field.name()), b.getWithoutDefault(field.name())));
        if (one instanceof byte[] || one instanceof java.nio.ByteBuffer) return Arrays.equals(bytes(one), bytes(other));
        if (one instanceof List<?> a && other instanceof List<?> b) {
            if (a.size() != b.size()) return false;
            for (int i = 0; i < a.size(); i++) if (!same(a.get(i), b.get(i))) return false;
            return true;
        }
        if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
            if (a.equals(b)) return true; // the rule; what follows is for keys that are bytes
            return a.size() == b.size() && a.size() < 100 && a.entrySet().stream().allMatch(
                    entry -> b.entrySet().stream().anyMatch(
                            found -> same(entry.getKey(), found.getKey()) && same(entry.getValue(), found.getValue())));
        }
        return java.util.Objects.equals(one, other) && (one == null || one.getClass() == other.getClass());
    }

    private static byte[] bytes(Object value) {
        return value instanceof java.nio.ByteBuffer buffer ? buffer.array() : (byte[]) value;
    }
}
