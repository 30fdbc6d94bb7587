package bd.millionx.connect;

import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;

/** Turns what Python raised into Connect's exceptions, with Python's frames on top of the stack trace. */
final class PythonFailure {
    private PythonFailure() {}

    /** Python said that a retry makes sense, and after how long. */
    static final class Retriable extends RetriableException {
        final long afterMs;

        Retriable(String message, long afterMs) {
            super(message);
            this.afterMs = afterMs;
        }
    }

    /** Reads [text, frames, milliseconds to wait] behind a status other than OK. */
    static RuntimeException read(int status, Unpack in) {
        String text = in.string();
        StackTraceElement[] frames = readFrames(in);
        long afterMs = in.integer();
        RuntimeException error =
                switch (status) {
                    case Op.DATA -> new DataException(text);
                    case Op.RETRY -> new Retriable(text, afterMs);
                    case Op.CONFIG -> new ConfigException(text);
                    default -> new ConnectException(text);
                };
        return withFrames(error, frames);
    }

    /** Reads the frames of a traceback, [module, function, file, line] each, innermost first. */
    static StackTraceElement[] readFrames(Unpack in) {
        StackTraceElement[] frames = new StackTraceElement[in.array()];
        for (int i = 0; i < frames.length; i++) {
            in.array();
            frames[i] = new StackTraceElement(in.string(), in.string(), in.string(), (int) in.integer());
        }
        return frames;
    }

    static <E extends Throwable> E withFrames(E error, StackTraceElement[] python) {
        StackTraceElement[] java = error.getStackTrace();
        StackTraceElement[] both = new StackTraceElement[python.length + java.length];
        System.arraycopy(python, 0, both, 0, python.length);
        System.arraycopy(java, 0, both, python.length, java.length);
        error.setStackTrace(both);
        return error;
    }
}
