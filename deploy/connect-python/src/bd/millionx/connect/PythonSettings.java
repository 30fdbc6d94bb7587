package bd.millionx.connect;

import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;

/** How Python is run; the same options for a connector, a transform and a predicate. */
final class PythonSettings {
    static final String CLASS = "python.class";
    static final String EXECUTABLE = "python.executable";
    static final String PATH = "python.path";
    static final String START_TIMEOUT = "python.start.timeout.ms";
    static final String CALL_TIMEOUT = "python.call.timeout.ms";
    static final String MEMORY_LIMIT = "python.memory.limit.mb";
    static final String SCHEMAS = "python.schemas";
    static final String ERROR_TEXT = "python.error.text";

    private static final String GROUP = "Python";

    final String executable;
    final String path;
    final long startTimeoutMs;
    final long callTimeoutMs;
    final int memoryLimitMb;
    final boolean errorText;
    final String schemas;

    PythonSettings(Map<String, ?> props) {
        AbstractConfig config = new AbstractConfig(define(new ConfigDef()), props, false);
        executable = config.getString(EXECUTABLE);
        path = config.getString(PATH);
        startTimeoutMs = config.getLong(START_TIMEOUT);
        callTimeoutMs = config.getLong(CALL_TIMEOUT);
        memoryLimitMb = config.getInt(MEMORY_LIMIT);
        errorText = config.getBoolean(ERROR_TEXT);
        schemas = config.getString(SCHEMAS);
    }

    /** The option that names the class, under {@code key}; its form is checked here, the class itself by Python. */
    static ConfigDef defineClass(ConfigDef def, String key, String what) {
        return def.define(key, Type.STRING, ConfigDef.NO_DEFAULT_VALUE, ConfigDef.LambdaValidator.with(
                (name, value) -> {
                    if (value != null && !value.toString().matches("[\\w.]+:[\\w.]+"))
                        throw new ConfigException(name, value, "write it as package.module:Class");
                }, () -> "package.module:Class"), Importance.HIGH, "The Python " + what + ", as package.module:Class.",
                GROUP, 1, ConfigDef.Width.LONG, "Python class");
    }

    static ConfigDef define(ConfigDef def) {
        String python = System.getenv("MILLIONX_PYTHON");
        String schemas = System.getenv("MILLIONX_SCHEMAS");
        return def.define(EXECUTABLE, Type.STRING, python == null ? "python3" : python,
                        ConfigDef.LambdaValidator.with((name, value) -> {
                            // Who may configure a connector must not thereby choose what the worker executes.
                            if (python != null && value != null && !python.equals(value.toString()))
                                throw new ConfigException(name, value,
                                        "this worker runs only the interpreter of its variable MILLIONX_PYTHON");
                        }, () -> "the worker's MILLIONX_PYTHON, where it is set"), Importance.MEDIUM,
                        "The Python interpreter, 3.11 or newer, in whose environment millionx and the class are "
                                + "installed. Default, and the only one where it is set: the worker's environment "
                                + "variable MILLIONX_PYTHON; else python3.",
                        GROUP, 2, ConfigDef.Width.LONG, "Interpreter")
                .define(PATH, Type.STRING, "", ConfigDef.LambdaValidator.with((name, value) -> {
                            if (python != null && value != null && !isAllowed(value.toString()))
                                throw new ConfigException(name, value,
                                        "this worker takes folders only below those of its variable MILLIONX_PYTHON_PATHS");
                        }, () -> "below the worker's MILLIONX_PYTHON_PATHS, where its MILLIONX_PYTHON is set"), Importance.LOW,
                        "Folders put in front of Python's module search path, separated by colons.",
                        GROUP, 3, ConfigDef.Width.LONG, "Module path")
                .define(START_TIMEOUT, Type.LONG, 60_000L, Range.atLeast(1), Importance.LOW,
                        "How long Python may take to start, import the class and configure it.",
                        GROUP, 4, ConfigDef.Width.SHORT, "Start timeout")
                .define(CALL_TIMEOUT, Type.LONG, 60_000L, Range.atLeast(1), Importance.MEDIUM,
                        "How long one call may take; then the Python process is killed and started anew.",
                        GROUP, 5, ConfigDef.Width.SHORT, "Call timeout")
                .define(MEMORY_LIMIT, Type.INT, 2048, Range.atLeast(0), Importance.MEDIUM,
                        "Data memory the Python process may take, in MiB (RLIMIT_DATA, Linux); 0 for no limit.",
                        GROUP, 6, ConfigDef.Width.SHORT, "Memory limit")
                .define(ERROR_TEXT, Type.BOOLEAN, false, Importance.MEDIUM,
                        "Whether the text of unforeseen Python exceptions, which may quote data, goes to logs and dead "
                                + "letters. By default only their type and trace do. DataError always keeps its text.",
                        GROUP, 7, ConfigDef.Width.SHORT, "Error text")
                .define(SCHEMAS, Type.STRING, schemas == null ? "" : schemas, Importance.LOW,
                        "A folder of .avsc files. What they say of a record's fields beyond Connect's schemas, such as "
                                + "privacy tags, is added to the schema that the class sees. Default: the worker's "
                                + "environment variable MILLIONX_SCHEMAS, else none.",
                        GROUP, 8, ConfigDef.Width.LONG, "Avro files");
    }

    /** Whether each folder of a module path lies below one that the worker's own variable names. */
    private static boolean isAllowed(String path) {
        String allowed = System.getenv("MILLIONX_PYTHON_PATHS");
        for (String folder : path.split(":")) {
            if (folder.isEmpty()) continue;
            Path wanted = Path.of(folder).toAbsolutePath().normalize();
            boolean below = false;
            for (String one : allowed == null ? new String[0] : allowed.split(":"))
                below |= !one.isEmpty() && wanted.startsWith(Path.of(one).toAbsolutePath().normalize());
            if (!below) return false;
        }
        return true;
    }

    /** Pack the START or DESCRIBE message. */
    void pack(Pack out, int op, String kind, String pythonClass, Map<String, String> props) {
        out.array(7).integer(op).string(kind).string(pythonClass).map(props.size());
        props.forEach((key, value) -> {
            out.string(key);
            if (value == null) out.nil();
            else out.string(value);
        });
        out.integer(memoryLimitMb).bool(errorText).string(schemas);
    }
}
