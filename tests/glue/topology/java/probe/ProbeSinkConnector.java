package probe;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** A sink that does nothing, with a key of every type, and that fails when told to. */
public class ProbeSinkConnector extends SinkConnector {
    static final ConfigDef CONFIG = new ConfigDef()
        .define("probe.number", Type.INT, 10, ConfigDef.Range.atLeast(0), Importance.MEDIUM, "A number of at least 0.")
        .define("probe.flag", Type.BOOLEAN, true, Importance.MEDIUM, "A flag.")
        .define("probe.list", Type.LIST, List.of("a", "b"), Importance.LOW, "A list.")
        .define("probe.ratio", Type.DOUBLE, 0.5, Importance.LOW, "A fraction.")
        .define("probe.word", Type.STRING, "none", Importance.LOW, "A word.")
        .define("probe.password", Type.PASSWORD, null, Importance.HIGH, "A password.")
        .define("fail.when", Type.STRING, "never", Importance.LOW, "never, start, later, or marker: while a file exists.")
        .define("fail.task", Type.INT, -1, Importance.LOW, "The task that fails; -1 all.")
        .define("fail.after.ms", Type.LONG, 1000L, Importance.LOW, "How much later.")
        .define("fail.marker", Type.STRING, "", Importance.LOW, "The file.")
        .define("fail.text", Type.STRING, "the probe was told to fail", Importance.LOW, "The root cause.");

    private Map<String, String> props;

    @Override
    public void start(Map<String, String> props) {
        this.props = props;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return ProbeSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        List<Map<String, String>> configs = new ArrayList<>();
        for (int task = 0; task < maxTasks; task++) {
            Map<String, String> config = new HashMap<>(props);
            config.put("probe.task", String.valueOf(task));
            configs.add(config);
        }
        return configs;
    }

    @Override
    public void stop() {
    }

    @Override
    public ConfigDef config() {
        return CONFIG;
    }

    @Override
    public String version() {
        return "1.0";
    }
}
