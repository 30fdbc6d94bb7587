package bd.millionx.connect;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;

/** The options of a Python class as its config class declares them, and what is wrong with given ones. */
final class Description {
    private record Option(String name, ConfigDef.Type type, Object fallback, ConfigDef.Importance importance, String doc) {}

    private final List<Option> options = new ArrayList<>();
    private final List<ConfigValue> values = new ArrayList<>();

    /** Start Python, ask, and end it. */
    static Description ask(
            String title, String kind, String pythonClass, PythonSettings settings, Map<String, String> props) {
        PythonHost host = new PythonHost(title, settings);
        try {
            settings.pack(host.request(), Op.DESCRIBE, kind, pythonClass, props);
            return new Description(host.call(settings.startTimeoutMs), props);
        } finally {
            host.close();
        }
    }

    /** Reads a list of [name, type, default, required, importance, documentation, errors]. */
    private Description(Unpack in, Map<String, String> props) {
        for (int left = in.array(); left > 0; left--) {
            in.array();
            String name = in.string();
            ConfigDef.Type type = ConfigDef.Type.valueOf(in.string());
            Object fallback = in.any();
            if (in.bool()) fallback = ConfigDef.NO_DEFAULT_VALUE;
            else if (fallback != null) fallback = ConfigDef.parseType(name, fallback, type);
            ConfigDef.Importance importance = ConfigDef.Importance.valueOf(in.string());
            options.add(new Option(name, type, fallback, importance, in.string()));
            // a password's value must not come back in the answer of a validation
            String given = type == ConfigDef.Type.PASSWORD ? null : props.get(name);
            // Connect takes the value of a LIST for a list
            Object shown = given == null ? null : type == ConfigDef.Type.LIST ? ConfigDef.parseType(name, given, type) : given;
            ConfigValue value = new ConfigValue(name, shown, List.of(), new ArrayList<>());
            for (int errors = in.array(); errors > 0; errors--) value.addErrorMessage(in.string());
            values.add(value);
        }
    }

    void define(ConfigDef def) {
        int order = 0;
        for (Option option : options)
            if (!def.names().contains(option.name()))
                def.define(option.name(), option.type(), option.fallback(), option.importance(), option.doc(),
                        "Plugin", ++order, ConfigDef.Width.MEDIUM, option.name());
    }

    List<ConfigValue> values() {
        return values;
    }
}
