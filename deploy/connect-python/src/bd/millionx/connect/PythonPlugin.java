package bd.millionx.connect;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a transform and a predicate share: their options, the Python process, and its replacement when it is lost. */
final class PythonPlugin implements AutoCloseable {
    static final String CLASS = "class";
    private static final Logger LOG = LoggerFactory.getLogger(PythonPlugin.class);

    private final String kind;
    private final String pythonClass;
    private final Map<String, String> props = new HashMap<>();
    private final PythonSettings settings;
    // By the number of a schema; null where each record has to be shown.
    private final Map<Integer, Passes> passes = new HashMap<>();
    private PythonHost host;
    private boolean saysWhatPasses; // one of an older version does not

    static ConfigDef config(String what) {
        return PythonSettings.define(PythonSettings.defineClass(new ConfigDef(), CLASS, what));
    }

    /** Starts Python, so that what is wrong with the class or its options fails the start of the task. */
    PythonPlugin(String kind, Map<String, ?> given) {
        this.kind = kind;
        given.forEach((name, value) -> props.put(name, value == null ? null : value.toString()));
        config(kind).parse(props);
        pythonClass = props.get(CLASS);
        settings = new PythonSettings(props);
        host();
    }

    PythonHost host() {
        if (host == null || !host.alive()) {
            if (host != null) host.close();
            passes.clear(); // schemas get other numbers
            host = new PythonHost(pythonClass.substring(pythonClass.indexOf(':') + 1), settings);
            settings.pack(host.request(), Op.START, kind, pythonClass, props);
            Unpack started = host.call(settings.startTimeoutMs);
            saysWhatPasses = started.hasMore() && started.bool();
        }
        return host;
    }

    /** Whether Python would let a record with this subject pass, by what it said and let pass before. */
    boolean passes(Schema schema, Object subject) {
        Integer id = host.schemas().find(schema);
        Passes known = id == null ? null : passes.get(id);
        return known != null && known.unseen(subject);
    }

    /**
     * A record came back as it was. Python is asked what passes after the first one, so that a class that changes the
     * schema of each is shown all of them.
     */
    void remember(PythonHost from, Schema schema, Object subject) {
        if (!saysWhatPasses) return;
        int id = from.schemas().find(schema);
        if (!passes.containsKey(id)) {
            from.request().array(2).integer(Op.PASSES).integer(id);
            passes.put(id, Passes.read(from.call(settings.callTimeoutMs), schema));
        }
        Passes known = passes.get(id);
        if (known != null) known.remember(subject);
    }

    interface Exchange<T> {
        T with(PythonHost host);
    }

    /**
     * Do one call. When the process is lost the call is made once more with a new one, as it may have been ended from
     * outside; a second loss, or a call that took too long, is for the task's error policy.
     */
    <T> T call(Exchange<T> exchange) {
        try {
            return exchange.with(host());
        } catch (HostLost error) {
            if (error.late) throw error;
            LOG.warn("{}; trying once more with a new one", error.getMessage());
            return exchange.with(host());
        }
    }

    /** Send a record whose subject, its value or its key, is what Python knows as the value. */
    Unpack send(PythonHost to, int op, ConnectRecord<?> record, boolean ofKey) {
        pack(to, op, record, ofKey);
        return to.call(settings.callTimeoutMs);
    }

    static void pack(PythonHost to, int op, ConnectRecord<?> record, boolean ofKey) {
        Pack out = to.request();
        var schema = ofKey ? record.keySchema() : record.valueSchema();
        int id = to.schema(schema);
        out.array(9).integer(op).string(record.topic());
        if (record.kafkaPartition() == null) out.nil();
        else out.integer(record.kafkaPartition());
        if (record instanceof SinkRecord sink) out.integer(sink.kafkaOffset());
        else out.nil();
        if (!ofKey && record.key() instanceof String key) out.string(key);
        else out.nil();
        out.integer(id);
        Values.write(out, schema, ofKey ? record.key() : record.value());
        Records.headers(out, record.headers());
        Records.timestamp(out, record.timestamp());
    }

    @Override
    public void close() {
        if (host != null) host.stop(Math.min(settings.callTimeoutMs, 5_000));
    }
}
