package bd.millionx.connect;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Python process and the socket to it. The process ends with its worker, however that dies: it holds the reading
 * end of a pipe (its standard input) whose writing end only this JVM has. Calls are made by one thread at a time; a
 * watch thread kills the process when a call takes too long, which the caller sees as the end of the stream.
 */
final class PythonHost implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PythonHost.class);
    private static final Pattern INHERITED = Pattern.compile(
            "PATH|HOME|USER|LANG|LANGUAGE|TZ|TMPDIR|TEMP|TMP|LD_LIBRARY_PATH|VIRTUAL_ENV|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
                    + "|(?i:(https?|no|all)_proxy)|(LC|PYTHON|OTEL|MILLIONX|MXCTL|OMP|MKL|GRPC|OPENBLAS|MALLOC|COVERAGE)_?\\w*");
    private static final Pattern SECRET = Pattern.compile(
            "(?i).*(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|(API|ACCESS|PRIVATE|OPENWEATHER)_KEY|CREDENTIALS|KAFKA_PROPERTIES)");
    private static final int LONGEST_SOCKET_PATH = 100; // sun_path has room for 108 on Linux, 104 on macOS
    private static final int SIGNALS = 128; // Java's exit value of a process that a signal ended is this and the signal
    private static final ScheduledExecutorService WATCH = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "python-host-watch");
        thread.setDaemon(true);
        return thread;
    });

    private final String title;
    private final Process process;
    private final ScheduledFuture<?> watch;
    private final boolean showLastLines; // they may quote data
    private final Deque<String> lastLines = new ArrayDeque<>();
    private final Schemas schemas = new Schemas();
    private final Pack out = new Pack();
    private SocketChannel channel;
    private ByteBuffer in = ByteBuffer.allocate(16384).limit(0);
    private int frameStart;
    private volatile long deadline; // System.nanoTime of the end of the call in progress; 0 when idle
    private volatile String killedBecause;

    /** Start Python and connect. What the class is to do goes over the socket, never on the command line. */
    PythonHost(String title, PythonSettings settings) {
        this.title = title;
        showLastLines = settings.errorText;
        Path folder = null;
        try {
            folder = Files.createTempDirectory("mx"); // mode 0700: nobody else connects
            if (folder.toString().length() > LONGEST_SOCKET_PATH - 2) {
                Files.delete(folder);
                folder = Files.createTempDirectory(Path.of("/tmp"), "mx");
            }
            Path path = folder.resolve("s");
            try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(path));
                process = launch(path, settings);
                watch = WATCH.scheduleWithFixedDelay(this::killIfLate, 50, 50, TimeUnit.MILLISECONDS);
                try {
                    channel = accept(server, settings.startTimeoutMs);
                } catch (IOException | RuntimeException error) {
                    close();
                    throw error;
                }
            } finally {
                Files.deleteIfExists(path);
                Files.deleteIfExists(folder);
            }
        } catch (IOException error) {
            throw new HostLost(title + ": cannot start " + settings.executable + ": " + error.getMessage(), error);
        }
    }

    private Process launch(Path socket, PythonSettings settings) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                settings.executable, "-P", "-X", "faulthandler", "-m", "glue.connect_python.host", socket.toString());
        builder.redirectErrorStream(true);
        // A plugin gets its options; the worker's passwords and tokens are not among them.
        builder.environment().keySet().removeIf(name -> !INHERITED.matcher(name).matches() || SECRET.matcher(name).matches());
        if (!settings.path.isEmpty()) {
            String inherited = builder.environment().get("PYTHONPATH");
            builder.environment().put("PYTHONPATH", inherited == null ? settings.path : settings.path + ":" + inherited);
        }
        Process started = builder.start();
        Thread logs = new Thread(() -> forwardLogs(started), "python-log-" + title);
        logs.setDaemon(true);
        logs.start();
        return started;
    }

    private SocketChannel accept(ServerSocketChannel server, long timeoutMs) throws IOException {
        server.configureBlocking(false);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        while (true) {
            SocketChannel accepted = server.accept();
            if (accepted != null) {
                accepted.configureBlocking(true);
                return accepted;
            }
            if (!process.isAlive()) throw lost(null);
            if (System.nanoTime() > end) throw new HostLost(title + ": Python did not connect within " + timeoutMs + " ms");
            try {
                Thread.sleep(5);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                throw new HostLost(title + ": interrupted while Python started", error);
            }
        }
    }

    boolean alive() {
        return process.isAlive() && channel.isOpen();
    }

    Schemas schemas() {
        return schemas;
    }

    /** Begin a request: its fields are packed next, then {@link #call} sends it. */
    Pack request() {
        out.reset();
        frameStart = Pack.PREFIX;
        return out;
    }

    /**
     * The number of a schema for the request being packed; a schema that Python does not know yet is sent in a frame
     * before it, so this is asked for before the request's own fields are packed.
     */
    int schema(Schema schema) {
        Integer known = schemas.find(schema);
        if (known != null) return known;
        int defined = schemas.define(out, schema);
        out.end(frameStart);
        frameStart = out.begin();
        return defined;
    }

    /** The request as it goes over the socket. */
    ByteBuffer finished() {
        out.end(frameStart);
        return out.buffer();
    }

    SocketChannel channel() {
        return channel;
    }

    /** Send the request and wait for its reply, of which the status has been read. */
    Unpack call(long timeoutMs) {
        deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs) | 1;
        try {
            ByteBuffer request = finished();
            while (request.hasRemaining()) channel.write(request);
            while (true) {
                Unpack reply = new Unpack(receive());
                reply.array();
                int status = (int) reply.integer();
                if (status == Op.OK) return reply;
                if (status != Op.SCHEMA) throw PythonFailure.read(status, reply);
                schemas.receive(reply);
            }
        } catch (IOException error) {
            throw lost(error);
        } finally {
            deadline = 0;
        }
    }

    private ByteBuffer receive() throws IOException {
        fill(Pack.PREFIX);
        int length = in.getInt();
        if (length < 1) throw new IOException("a frame of " + length + " bytes");
        fill(length);
        ByteBuffer frame = in.slice(in.position(), length);
        in.position(in.position() + length);
        return frame;
    }

    /** Read until {@code needed} bytes are there; a frame usually comes whole with one read. */
    private void fill(int needed) throws IOException {
        if (in.remaining() >= needed) return;
        if (in.position() + needed > in.capacity()) {
            ByteBuffer larger = needed > in.capacity() ? ByteBuffer.allocate(needed + 16384) : in;
            if (larger == in) in.compact();
            else larger.put(in);
            in = larger.flip();
        }
        while (in.remaining() < needed) {
            int start = in.position();
            in.position(in.limit()).limit(in.capacity());
            int read = channel.read(in);
            in.limit(in.position()).position(start);
            if (read < 0) throw new IOException("Python closed the connection");
        }
    }

    private HostLost lost(Throwable cause) {
        String reason = killedBecause != null ? killedBecause : "it closed the connection";
        try {
            if (process.waitFor(1, TimeUnit.SECONDS) && killedBecause == null) {
                int status = process.exitValue();
                reason = status > SIGNALS ? "it was ended by signal " + (status - SIGNALS) : "it ended with status " + status;
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        close();
        String last = "";
        synchronized (lastLines) {
            if (showLastLines && !lastLines.isEmpty()) last = "; its last words: " + String.join(" | ", lastLines);
        }
        return new HostLost("the Python host of " + title + " is lost: " + reason + last, cause, killedBecause != null);
    }

    private void killIfLate() {
        long end = deadline;
        if (end != 0 && System.nanoTime() - end > 0 && process.isAlive()) {
            killedBecause = "a call took longer than allowed, so it was killed";
            process.destroyForcibly();
        }
    }

    /** Ask Python to finish (bounded by {@code timeoutMs}), then see that it ends. */
    void stop(long timeoutMs) {
        if (alive()) {
            try {
                request().array(1).integer(Op.STOP);
                call(timeoutMs);
            } catch (ConnectException error) {
                LOG.warn("{}: {}", title, error.getMessage());
            }
        }
        close();
    }

    @Override
    public void close() {
        watch.cancel(false);
        try {
            if (channel != null) channel.close();
            process.getOutputStream().close();
        } catch (IOException error) {
            LOG.debug("{}: closing", title, error);
        }
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(2, TimeUnit.SECONDS)) process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException error) {
            process.destroyForcibly();
            interrupted = true;
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private void forwardLogs(Process started) {
        Logger log = LoggerFactory.getLogger("bd.millionx.connect.python." + title);
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (lastLines) {
                    if (lastLines.size() == 5) lastLines.removeFirst();
                    lastLines.addLast(line);
                }
                if (line.startsWith("ERROR ") || line.startsWith("CRITICAL ")) log.error(line);
                else if (line.startsWith("WARNING ")) log.warn(line);
                else if (line.startsWith("DEBUG ")) log.debug(line);
                else log.info(line);
            }
        } catch (IOException error) {
            log.debug("log stream", error);
        }
    }
}
