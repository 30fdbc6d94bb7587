package bd.millionx.connect;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkConnector;

/** A sink connector whose work is done by a Python class, named by {@code python.class}. */
public class PythonSinkConnector extends SinkConnector {
    /** A validation asks {@link #config} first and then {@link #validate}, on one thread; the second completes the first. */
    private final ThreadLocal<ConfigDef> asked = new ThreadLocal<>();

    private Map<String, String> props;

    static ConfigDef ownConfig() {
        return PythonSettings.define(PythonSettings.defineClass(new ConfigDef(), PythonSettings.CLASS, "sink"));
    }

    @Override
    public ConfigDef config() {
        ConfigDef def = ownConfig();
        asked.set(def);
        return def;
    }

    @Override
    public Config validate(Map<String, String> given) {
        List<ConfigValue> values = new ArrayList<>(ownConfig().validate(given));
        boolean sound = values.stream().allMatch(value -> value.errorMessages().isEmpty());
        if (sound) {
            try {
                String name = given.getOrDefault("name", "unnamed") + "-validate";
                Description described =
                        Description.ask(name, "sink", given.get(PythonSettings.CLASS), new PythonSettings(given), given);
                ConfigDef def = asked.get();
                if (def != null) described.define(def);
                values.addAll(described.values());
            } catch (ConnectException | ConfigException error) {
                for (ConfigValue value : values)
                    if (value.name().equals(PythonSettings.CLASS)) value.addErrorMessage(error.getMessage());
            }
        }
        asked.remove();
        return new Config(values);
    }

    @Override
    public void start(Map<String, String> given) {
        props = given;
    }

    @Override
    public void stop() {}

    @Override
    public Class<? extends Task> taskClass() {
        return PythonSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, props);
    }

    @Override
    public String version() {
        return Version.TEXT;
    }
}
