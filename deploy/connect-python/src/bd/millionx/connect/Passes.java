package bd.millionx.connect;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Which records of one schema pass without being shown to Python: those in which each text that it looks at has the form
 * that it named for its field, or passed before in that field. A form is asked of printable ASCII alone, on which Java's
 * regular expressions and Python's agree. Python says whether this holds for its class ({@code Transform.passes}).
 */
final class Passes {
    // Characters of a text that is remembered, or looked at: Java's matcher takes a frame of the stack for each repeat.
    private static final int LONGEST = 128;
    private static final int MOST = 1000; // texts of a field that are remembered

    private record Rule(Field field, Pattern form, Set<String> passed) {
        boolean holds(Object value) {
            if (value == null || passed.contains(value)) return true;
            String text = (String) value;
            return form != null && isPlain(text) && form.matcher(text).matches();
        }
    }

    private final List<Rule> rules = new ArrayList<>();

    private Passes() {}

    /** Reads nothing or a list of [field, form or null]; null where each record has to be shown. */
    static Passes read(Unpack in, Schema schema) {
        if (in.nil() || schema == null || schema.type() != Schema.Type.STRUCT) return null;
        Passes passes = new Passes();
        for (int left = in.array(); left > 0; left--) {
            in.array();
            Field field = schema.field(in.string());
            Pattern form = in.nil() ? null : Pattern.compile(in.string());
            if (field == null || field.schema().type() != Schema.Type.STRING) return null;
            passes.rules.add(new Rule(field, form, new HashSet<>()));
        }
        return passes;
    }

    boolean unseen(Object subject) {
        if (!(subject instanceof Struct struct)) return false;
        for (Rule rule : rules) if (!rule.holds(struct.getWithoutDefault(rule.field.name()))) return false;
        return true;
    }

    /** Remember the texts of a record that came back as it was. */
    void remember(Object subject) {
        if (!(subject instanceof Struct struct)) return;
        for (Rule rule : rules) {
            Object value = struct.getWithoutDefault(rule.field.name());
            if (rule.holds(value) || ((String) value).length() > LONGEST) continue;
            if (rule.passed.size() >= MOST) rule.passed.clear();
            rule.passed.add((String) value);
        }
    }

    private static boolean isPlain(String text) {
        if (text.length() > LONGEST) return false;
        for (int i = 0; i < text.length(); i++) if (text.charAt(i) < ' ' || text.charAt(i) > '~') return false;
        return true;
    }
}
