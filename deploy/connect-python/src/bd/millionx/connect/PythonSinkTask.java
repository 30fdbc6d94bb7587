package bd.millionx.connect;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one Python sink. A record is safe when the flush after its put has returned. When the Python process is lost,
 * everything since the last flush is read again; when that happens twice in a row, records go one at a time until the
 * one that ends the process is known, and that one is reported as errant.
 */
public class PythonSinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(PythonSinkTask.class);
    private static final int FRAME_LIMIT = 8 << 20; // bytes of one PUT; a larger batch is sent as several
    private static final int LOSSES_BEFORE_SINGLE = 2;
    private static final int LOSSES_BEFORE_FAILURE = 5;

    private record Position(TopicPartition partition, long offset) {}

    private record Refused(SinkRecord record, DataException reason) {}

    private Map<String, String> props;
    private PythonSettings settings;
    private ErrantRecordReporter reporter;
    private PythonHost host;
    private final Set<TopicPartition> assigned = new HashSet<>();
    private final Map<TopicPartition, Long> safe = new HashMap<>(); // next offset to read if Python is lost now
    private final Set<Position> deadly = new HashSet<>();
    private boolean rewinding;
    private int losses;

    @Override
    public String version() {
        return Version.TEXT;
    }

    @Override
    public void start(Map<String, String> given) {
        props = given;
        settings = new PythonSettings(given);
        reporter = context.errantRecordReporter();
        host();
    }

    private PythonHost host() {
        if (host == null || !host.alive()) {
            if (host != null) host.close();
            host = new PythonHost(props.getOrDefault("name", "sink"), settings);
            settings.pack(host.request(), Op.START, "sink", props.get(PythonSettings.CLASS), props);
            host.call(settings.startTimeoutMs);
            if (!assigned.isEmpty()) send(Op.OPEN, assigned);
        }
        return host;
    }

    private void send(int op, Collection<TopicPartition> partitions) {
        Pack out = host.request().array(2).integer(op).array(partitions.size());
        for (TopicPartition partition : partitions) out.array(2).string(partition.topic()).integer(partition.partition());
        host.call(settings.callTimeoutMs);
    }

    @Override
    public void open(Collection<TopicPartition> partitions) {
        assigned.addAll(partitions);
        if (host != null && host.alive()) send(Op.OPEN, partitions);
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        assigned.removeAll(partitions);
        safe.keySet().removeAll(partitions);
        if (host != null && host.alive()) send(Op.CLOSE, partitions);
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        rewinding = false;
        if (records.isEmpty()) return;
        for (SinkRecord record : records) safe.putIfAbsent(partition(record), record.originalKafkaOffset());
        List<SinkRecord> batch = new ArrayList<>(records);
        List<Refused> refused = new ArrayList<>(); // reported when all is done: a batch may be delivered again
        boolean single = losses >= LOSSES_BEFORE_SINGLE;
        int done = 0;
        boolean started = false;
        try {
            host();
            started = true;
            while (done < batch.size()) done = putSome(batch, done, single, refused);
        } catch (PythonFailure.Retriable error) {
            if (error.afterMs > 0) context.timeout(error.afterMs);
            throw error;
        } catch (HostLost error) {
            recover(error, started && single ? batch.get(done) : null);
            return;
        }
        for (Refused one : refused) report(one.record, one.reason);
        if (single) context.requestCommit(); // a successful commit ends the slow mode
    }

    /** Send the records from {@code first} that fit one frame; returns the index after the last. */
    private int putSome(List<SinkRecord> batch, int first, boolean single, List<Refused> refused) {
        int end = single ? first + 1 : batch.size();
        Pack out = host.request();
        for (SinkRecord record : batch.subList(first, end)) {
            host.schema(record.keySchema());
            host.schema(record.valueSchema());
        }
        int begin = out.size();
        int next = first;
        List<SinkRecord> sent = new ArrayList<>(end - first);
        out.array(2).integer(Op.PUT);
        int count = out.openArray();
        while (next < end && out.size() - begin < FRAME_LIMIT) {
            SinkRecord record = batch.get(next++);
            int mark = out.size();
            try {
                if (deadly.contains(position(record)))
                    throw new DataException("the Python process ended each time it got this record");
                Records.write(out, host, record);
                sent.add(record);
            } catch (DataException error) {
                out.rewind(mark);
                refused.add(new Refused(record, error));
            }
        }
        out.closeArray(count, sent.size());
        if (sent.isEmpty()) return next;
        Unpack reply = host.call(settings.callTimeoutMs);
        for (int left = reply.array(); left > 0; left--) {
            reply.array();
            SinkRecord record = sent.get((int) reply.integer());
            DataException reason = new DataException(reply.string());
            refused.add(new Refused(record, PythonFailure.withFrames(reason, PythonFailure.readFrames(reply))));
        }
        if (single) flush(Map.of());
        return next;
    }

    private void report(SinkRecord record, DataException reason) {
        if (reporter == null) {
            throw new ConnectException("the sink refuses the record at " + position(record) + ": " + reason.getMessage()
                    + "; with errors.tolerance=all and a dead letter queue the task goes on without it", reason);
        }
        reporter.report(record, reason);
    }

    private void recover(HostLost error, SinkRecord suspect) {
        losses++;
        if (suspect != null && reporter != null) deadly.add(position(suspect));
        else if (losses >= LOSSES_BEFORE_FAILURE) throw new ConnectException(error.getMessage(), error);
        LOG.warn("{}; reading again from {}", error.getMessage(), safe);
        context.offset(new HashMap<>(safe));
        rewinding = true;
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        if (rewinding) return Map.of(); // these offsets are ahead of what is safe, until the rewind has happened
        if (host == null || !host.alive()) throw new HostLost("Python is lost, so the last records are read again");
        flush(offsets);
        offsets.forEach((partition, offset) -> safe.put(partition, offset.offset()));
        losses = 0;
        deadly.removeIf(gone -> safe.getOrDefault(gone.partition(), 0L) > gone.offset());
        return offsets;
    }

    @Override
    public void flush(Map<TopicPartition, OffsetAndMetadata> offsets) {
        Pack out = host.request().array(2).integer(Op.FLUSH).array(offsets.size());
        offsets.forEach((partition, offset) ->
                out.array(3).string(partition.topic()).integer(partition.partition()).integer(offset.offset()));
        host.call(settings.callTimeoutMs);
    }

    @Override
    public void stop() {
        if (host != null) host.stop(Math.min(settings.callTimeoutMs, 5_000));
    }

    private static TopicPartition partition(SinkRecord record) {
        return new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
    }

    private static Position position(SinkRecord record) {
        return new Position(partition(record), record.originalKafkaOffset());
    }
}
