package bd.millionx.connect;

import java.nio.file.Path;
import java.util.Set;
import org.apache.kafka.common.config.ConfigData;
import org.apache.kafka.common.config.provider.FileConfigProvider;

/**
 * Kafka's provider of {@code ${file:PATH:KEY}}, for paths relative to the worker's folder: its {@code allowed.paths} are
 * absolute and would match none of them.
 */
public final class SecretFiles extends FileConfigProvider {
    @Override
    public ConfigData get(String path) {
        return super.get(absolute(path));
    }

    @Override
    public ConfigData get(String path, Set<String> keys) {
        return super.get(absolute(path), keys);
    }

    private static String absolute(String path) {
        return path == null || path.isEmpty() ? path : Path.of(path).toAbsolutePath().normalize().toString();
    }
}
