package bd.millionx.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** A predicate whose work is done by a Python class, named by {@code class}. */
public class PythonPredicate<R extends ConnectRecord<R>> implements Predicate<R>, Versioned {
    private PythonPlugin plugin;

    @Override
    public ConfigDef config() {
        return PythonPlugin.config("predicate");
    }

    @Override
    public void configure(Map<String, ?> props) {
        plugin = new PythonPlugin("predicate", props);
    }

    @Override
    public boolean test(R record) {
        return plugin.call(host -> plugin.send(host, Op.TEST, record, false).bool());
    }

    @Override
    public void close() {
        if (plugin != null) plugin.close();
    }

    @Override
    public String version() {
        return Version.TEXT;
    }
}
