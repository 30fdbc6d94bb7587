package probe;

import java.io.File;
import java.util.Collection;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** Fails at once, later, or while a file exists, with a cause inside a cause. */
public class ProbeSinkTask extends SinkTask {
    private AbstractConfig config;
    private boolean chosen;
    private long started;

    @Override
    public void start(Map<String, String> props) {
        config = new AbstractConfig(ProbeSinkConnector.CONFIG, props);
        int task = config.getInt("fail.task");
        chosen = task < 0 || task == Integer.parseInt(props.get("probe.task"));
        started = System.currentTimeMillis();
        if (chosen && config.getString("fail.when").equals("start")) {
            fail();
        }
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        String when = config.getString("fail.when");
        boolean late = System.currentTimeMillis() - started > config.getLong("fail.after.ms");
        if (chosen && when.equals("later") && late) {
            fail();
        }
        if (chosen && when.equals("marker") && new File(config.getString("fail.marker")).exists()) {
            fail();
        }
    }

    private void fail() {
        Exception cause = new IllegalStateException(config.getString("fail.text"));
        throw new ConnectException("The probe task gave up", new RuntimeException("in between", cause));
    }

    @Override
    public void stop() {
    }

    @Override
    public String version() {
        return "1.0";
    }
}
