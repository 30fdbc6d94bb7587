package bd.millionx.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.transforms.Transformation;

/** A single message transform whose work is done by a Python class, named by {@code class}. */
public abstract class PythonTransform<R extends ConnectRecord<R>> implements Transformation<R>, Versioned {
    private final boolean ofKey;
    private PythonPlugin plugin;

    PythonTransform(boolean ofKey) {
        this.ofKey = ofKey;
    }

    /** The Python class gets the record's value. */
    public static class Value<R extends ConnectRecord<R>> extends PythonTransform<R> {
        public Value() {
            super(false);
        }
    }

    /** The Python class gets the record's key, in the place of the value. */
    public static class Key<R extends ConnectRecord<R>> extends PythonTransform<R> {
        public Key() {
            super(true);
        }
    }

    @Override
    public ConfigDef config() {
        return PythonPlugin.config("transform");
    }

    @Override
    public void configure(Map<String, ?> props) {
        plugin = new PythonPlugin("transform", props);
    }

    @Override
    public R apply(R record) {
        Schema schema = ofKey ? record.keySchema() : record.valueSchema();
        Object subject = ofKey ? record.key() : record.value();
        if (plugin.passes(schema, subject)) return record;
        return plugin.call(host -> {
            R result = read(plugin.send(host, Op.APPLY, record, ofKey), host, record);
            if (result == record) plugin.remember(host, schema, subject);
            return result;
        });
    }

    /**
     * Reads what is left of [OK, schema, value, changes]: nothing for a dropped record, a schema alone for one that is
     * as it was, no changes for none.
     */
    private R read(Unpack in, PythonHost host, R record) {
        if (!in.hasMore()) return null;
        Schema schema = host.schemas().get(in.integer());
        if (!in.hasMore()) return record;
        Object subject = in.nil() ? null : Values.read(in, schema);
        String topic = record.topic();
        Integer partition = record.kafkaPartition();
        Schema keySchema = ofKey ? schema : record.keySchema();
        Object key = ofKey ? subject : record.key();
        Long timestamp = record.timestamp();
        Headers headers = record.headers();
        if (in.hasMore()) {
            for (int left = in.map(); left > 0; left--) {
                String name = in.string();
                switch (name) {
                    case "topic" -> topic = in.string();
                    case "partition" -> partition = in.nil() ? null : Integer.valueOf((int) in.integer());
                    case "timestamp" -> timestamp = in.nil() ? null : Long.valueOf(in.integer());
                    case "headers" -> headers = Records.readHeaders(in, record.headers());
                    case "key" -> {
                        key = in.nil() ? null : in.string();
                        if (keySchema == null || keySchema.type() != Schema.Type.STRING || key == null)
                            keySchema = Schema.OPTIONAL_STRING_SCHEMA;
                    }
                    default -> in.any();
                }
            }
        }
        Schema valueSchema = ofKey ? record.valueSchema() : schema;
        Object value = ofKey ? record.value() : subject;
        return record.newRecord(topic, partition, keySchema, key, valueSchema, value, timestamp, headers);
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
