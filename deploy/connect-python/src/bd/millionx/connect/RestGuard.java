package bd.millionx.connect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;

/**
 * What a worker's REST interface is not for: requests of web pages, and reading secrets.
 *
 * <p>A request with an Origin, or for a host other than those of {@code rest.guard.hosts} (where it is set), is refused:
 * a page in a browser sends it, by DNS rebinding to a name of its own. Connect resolves references such as
 * {@code ${file:…}} before it validates, and answers with what they came to; that is taken out of the answers.
 */
public final class RestGuard implements ConnectRestExtension {
    static final String HOSTS = "rest.guard.hosts";
    private Set<String> hosts = Set.of();

    @Override
    public void configure(Map<String, ?> configs) {
        Object given = configs.get(HOSTS);
        if (given != null && !given.toString().isBlank()) hosts = Set.of(given.toString().split("\\s*,\\s*"));
    }

    @Override
    public void register(ConnectRestExtensionContext context) {
        context.configurable().register(new Guard(hosts));
    }

    @Override
    public void close() {}

    @Override
    public String version() {
        return Version.TEXT;
    }

    /** The filter of requests and of their answers. */
    static final class Guard implements ContainerRequestFilter, ContainerResponseFilter {
        static final String RESOLVED = "[resolved]";
        private static final String WITHHELD =
                "refused by the plugin (its text may quote a resolved secret and is not shown; see the worker's log)";
        private static final String INVALID = "Connector configuration is invalid";
        private static final String REFERRING = "bd.millionx.connect.referring";
        private static final int LONGEST = 8 * 1024 * 1024;
        private static final int QUOTE = 5;
        private final ObjectMapper json = new ObjectMapper();
        private final Set<String> hosts;

        Guard(Set<String> hosts) {
            this.hosts = hosts;
        }

        @Override
        public void filter(ContainerRequestContext request) throws IOException {
            String host = request.getHeaderString("Host");
            if (!hosts.isEmpty() && (host == null || !hosts.contains(host.replaceFirst(":\\d{1,5}$", "")))) {
                refuse(request, 403, "this worker is asked under its own address only");
            } else if (request.getHeaderString("Origin") != null) {
                refuse(request, 403, "this worker answers no web page");
            } else if (request.hasEntity()) {
                byte[] body = request.getEntityStream().readNBytes(LONGEST + 1);
                if (body.length > LONGEST) refuse(request, 413, "the body is too large");
                request.setEntityStream(new ByteArrayInputStream(body));
                request.setProperty(REFERRING, referring(body));
            }
        }

        /** The keys of a config whose values hold a reference. */
        private Set<String> referring(byte[] body) {
            Set<String> found = new HashSet<>();
            try {
                JsonNode config = json.readTree(body);
                if (config.path("config").isObject()) config = config.path("config");
                config.fields().forEachRemaining(entry -> {
                    if (entry.getValue().asText().contains("${")) found.add(entry.getKey());
                });
            } catch (IOException error) {
                return found; // Connect says that it is no JSON
            }
            return found;
        }

        private static void refuse(ContainerRequestContext request, int status, String why) {
            request.abortWith(Response.status(status).type(MediaType.APPLICATION_JSON)
                    .entity(Map.of("error_code", status, "message", why)).build());
        }

        @Override
        @SuppressWarnings("unchecked")
        public void filter(ContainerRequestContext request, ContainerResponseContext response) {
            Set<String> referring = (Set<String>) request.getProperty(REFERRING);
            if (referring == null || referring.isEmpty() || !response.hasEntity()) return;
            JsonNode answer = json.valueToTree(response.getEntity());
            if (answer.path("configs").isArray()) {
                clean(answer.path("configs"), referring);
                response.setEntity(answer);
            } else if (answer.path("message").asText().contains(INVALID)) {
                ((ObjectNode) answer).put("message", INVALID + "; PUT it to config/validate to see what is wrong");
                response.setEntity(answer);
            }
        }

        private static void clean(JsonNode configs, Set<String> referring) {
            List<String> resolved = new ArrayList<>();
            for (JsonNode one : configs) {
                String value = one.path("value").path("value").asText("");
                if (referring.contains(one.path("value").path("name").asText()) && !value.isEmpty()
                        && !value.equals("[hidden]")) resolved.add(value);
            }
            for (JsonNode one : configs) {
                if (!(one.path("value") instanceof ObjectNode entry)) continue;
                boolean refers = referring.contains(entry.path("name").asText());
                boolean unknown = refers && entry.path("value").isNull();
                for (String list : List.of("errors", "recommended_values"))
                    if (entry.path(list) instanceof ArrayNode texts) clean(texts, resolved, unknown);
                if (refers && !entry.path("value").isNull() && !entry.path("value").asText().equals("[hidden]"))
                    entry.put("value", RESOLVED);
            }
        }

        private static void clean(ArrayNode texts, List<String> resolved, boolean unknown) {
            for (int i = 0; i < texts.size(); i++) {
                String text = texts.get(i).asText();
                if (unknown || resolved.stream().anyMatch(value -> quotes(text, value))) texts.set(i, texts.textNode(WITHHELD));
            }
        }

        /** Whether a text shares QUOTE characters in a row with a value, or all of a shorter one. */
        static boolean quotes(String text, String value) {
            if (value.length() <= QUOTE) return text.contains(value);
            Set<String> parts = new HashSet<>();
            for (int i = 0; i + QUOTE <= value.length(); i++) parts.add(value.substring(i, i + QUOTE));
            for (int i = 0; i + QUOTE <= text.length(); i++) if (parts.contains(text.substring(i, i + QUOTE))) return true;
            return false;
        }
    }
}
