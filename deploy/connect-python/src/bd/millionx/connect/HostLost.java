package bd.millionx.connect;

import org.apache.kafka.connect.errors.RetriableException;

/** The Python process ended, was killed for being late, or never started; a new one may do better. */
class HostLost extends RetriableException {
    /** Whether it was killed because a call took too long: the same call would take as long again. */
    final boolean late;

    HostLost(String message) {
        super(message);
        late = false;
    }

    HostLost(String message, Throwable cause) {
        this(message, cause, false);
    }

    HostLost(String message, Throwable cause, boolean late) {
        super(message, cause);
        this.late = late;
    }
}
