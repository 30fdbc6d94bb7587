package bd.millionx.connect;

/** First element of every message: what is asked, or how it went. The same numbers are in glue/connect_python/wire.py. */
final class Op {
    /** Defines a schema for later messages, in either direction; it has no reply. */
    static final int SCHEMA = 9;

    static final int START = 10;
    static final int DESCRIBE = 11;
    static final int STOP = 12;
    static final int ECHO = 13;
    static final int PUT = 20;
    static final int FLUSH = 21;
    static final int OPEN = 22;
    static final int CLOSE = 23;
    static final int APPLY = 30;
    static final int TEST = 31;
    static final int PASSES = 32;

    static final int OK = 0;
    static final int DATA = 1;
    static final int RETRY = 2;
    static final int CONFIG = 3;
    static final int FATAL = 4;

    private Op() {}
}
