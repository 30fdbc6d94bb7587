package bd.millionx.connect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;

/**
 * The schemas both sides of one connection know, by number: 0 is no schema, positive ones were sent by Java, negative
 * ones by Python. Each is sent once, as the list [type, optional, name, version, doc, parameters, detail, default],
 * where detail is the fields ([name, schema] each), the element's schema, or [key schema, value schema].
 */
final class Schemas {
    private static final int KEEP = 1024; // instances; sources that build a schema a record must not fill the heap

    private final IdentityHashMap<Schema, Integer> instances = new IdentityHashMap<>();
    private final Map<Schema, Integer> ids = new HashMap<>();
    private final List<Schema> ours = new ArrayList<>();
    private final Map<Integer, Schema> theirs = new HashMap<>();

    static boolean mapIsPairs(Schema map) {
        Schema key = map.keySchema();
        return key == null || !key.type().isPrimitive() || key.type() == Schema.Type.BYTES || key.name() != null;
    }

    /** The number of {@code schema}, or null where it has not been sent yet. */
    Integer find(Schema schema) {
        if (schema == null) return 0;
        Integer known = instances.get(schema);
        if (known == null) {
            known = ids.get(schema);
            if (known != null) remember(schema, known);
        }
        return known;
    }

    private void remember(Schema schema, Integer id) {
        if (instances.size() >= KEEP) instances.clear();
        instances.put(schema, id);
    }

    /** Give {@code schema} a number and write the message that tells it. */
    int define(Pack out, Schema schema) {
        out.array(3).integer(Op.SCHEMA).integer(ours.size() + 1L);
        describe(out, schema);
        ours.add(schema);
        ids.put(schema, ours.size());
        remember(schema, ours.size());
        return ours.size();
    }

    Schema get(long id) {
        Schema schema = id == 0 ? null : id > 0 ? ours.get((int) id - 1) : theirs.get((int) id);
        if (id != 0 && schema == null) throw new DataException("Python names schema " + id + ", which it never sent");
        return schema;
    }

    void receive(Unpack in) {
        int id = (int) in.integer();
        Schema schema = parse(in);
        theirs.put(id, schema);
        ids.putIfAbsent(schema, id);
    }

    private static void describe(Pack out, Schema schema) {
        out.array(8).string(schema.type().name()).bool(schema.isOptional());
        text(out, schema.name());
        if (schema.version() == null) out.nil();
        else out.integer(schema.version());
        text(out, schema.doc());
        Map<String, String> parameters = schema.parameters() == null ? Map.of() : schema.parameters();
        out.map(parameters.size());
        parameters.forEach((key, value) -> {
            out.string(key);
            text(out, value);
        });
        switch (schema.type()) {
            case STRUCT -> {
                out.array(schema.fields().size());
                for (Field field : schema.fields()) {
                    out.array(2).string(field.name());
                    describe(out, field.schema());
                }
            }
            case ARRAY -> describe(out, schema.valueSchema());
            case MAP -> {
                out.array(2);
                describe(out, schema.keySchema());
                describe(out, schema.valueSchema());
            }
            default -> out.nil();
        }
        Values.write(out, schema, schema.defaultValue()); // last, because reading it needs all of the above
    }

    private static void text(Pack out, String value) {
        if (value == null) out.nil();
        else out.string(value);
    }

    private static Schema parse(Unpack in) {
        if (in.array() != 8) throw new DataException("a malformed schema");
        Schema.Type type = Schema.Type.valueOf(in.string());
        boolean optional = in.bool();
        String name = in.nil() ? null : in.string();
        Integer version = in.nil() ? null : Integer.valueOf((int) in.integer());
        String doc = in.nil() ? null : in.string();
        Map<String, String> parameters = new HashMap<>();
        for (int left = in.map(); left > 0; left--) {
            String key = in.string();
            parameters.put(key, in.nil() ? null : in.string());
        }
        List<Field> fields = null;
        Schema key = null;
        Schema value = null;
        switch (type) {
            case STRUCT -> {
                fields = new ArrayList<>();
                int length = in.array();
                for (int i = 0; i < length; i++) {
                    in.array();
                    fields.add(new Field(in.string(), i, parse(in)));
                }
            }
            case ARRAY -> value = parse(in);
            case MAP -> {
                in.array();
                key = parse(in);
                value = parse(in);
            }
            default -> in.any();
        }
        Map<String, String> given = parameters.isEmpty() ? null : parameters;
        Schema bare = new ConnectSchema(type, true, null, name, version, doc, given, fields, key, value);
        Object fallback = Values.read(in, bare);
        return new ConnectSchema(type, optional, fallback, name, version, doc, given, fields, key, value);
    }
}
