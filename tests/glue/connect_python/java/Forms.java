package bd.millionx.connect;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/** Reads lines of a form, a tab and a text; prints whether a record with that text would pass without being shown. */
public final class Forms {
    private static final Schema SCHEMA = SchemaBuilder.struct().field("text", Schema.OPTIONAL_STRING_SCHEMA).build();

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t", 2);
            Pack out = new Pack();
            int start = out.begin();
            out.array(1).array(2).string("text").string(parts[0]);
            out.end(start);
            Unpack in = new Unpack(out.buffer().position(start));
            System.out.println(Passes.read(in, SCHEMA).unseen(new Struct(SCHEMA).put("text", parts[1])));
        }
    }
}
