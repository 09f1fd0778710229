package orders;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.streaming.NatsStreaming;
import io.nats.streaming.StreamingConnection;
import io.nats.streaming.SubscriptionOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * A publisher and a subscriber that survive failovers of the group:
 *
 * <pre>stanlocal run --fault kill:@active --every 3s -- mvn test</pre>
 */
class OrdersTest {
    private static final Duration PUBLISH_FOR = Duration.ofSeconds(9);
    private static final Duration GIVE_UP_AFTER = Duration.ofSeconds(30);

    @Test
    void noOrderIsLost() throws Exception {
        String suffix = UUID.randomUUID().toString();
        String channel = "orders." + suffix;
        Set<String> received = ConcurrentHashMap.newKeySet(); // a set: an order delivered again is the same order
        List<String> published = new ArrayList<>();
        try (Connection nats = connectNats()) {
            StreamingConnection stan = connect(nats, "orders-" + suffix);
            stan.subscribe(channel, message -> received.add(new String(message.getData(), StandardCharsets.UTF_8)),
                new SubscriptionOptions.Builder()
                    .durableName("warehouse").deliverAllAvailable().ackWait(Duration.ofSeconds(5)).build());
            for (Instant end = Instant.now().plus(PUBLISH_FOR); Instant.now().isBefore(end); Thread.sleep(10)) {
                String order = "order " + published.size();
                publish(stan, channel, order);
                published.add(order);
            }
            Instant deadline = Instant.now().plus(GIVE_UP_AFTER);
            while (!received.containsAll(published) && Instant.now().isBefore(deadline)) {
                Thread.sleep(50);
            }
        }
        List<String> missing =
            published.stream().filter(order -> !received.contains(order)).collect(Collectors.toList());
        assertEquals(List.of(), missing, missing.size() + " of " + published.size() + " orders are lost");
    }

    /** Returns a connection that knows every node and gives up none of them. */
    private static Connection connectNats() throws IOException, InterruptedException {
        return Nats.connect(new Options.Builder().servers(System.getenv("NATS_URL").split(","))
            .maxReconnects(-1).reconnectWait(Duration.ofMillis(250)).build());
    }

    /** For a second or two no node may be active: asks again until one answers. */
    private static StreamingConnection connect(Connection nats, String clientId)
            throws IOException, InterruptedException {
        Instant deadline = Instant.now().plus(GIVE_UP_AFTER);
        while (true) {
            try {
                return NatsStreaming.connect(System.getenv("STAN_CLUSTER_ID"), clientId,
                    new io.nats.streaming.Options.Builder()
                        .natsConn(nats).pubAckWait(Duration.ofSeconds(2)).build());
            } catch (IOException error) {
                if (Instant.now().isAfter(deadline)) {
                    throw error;
                }
                Thread.sleep(250);
            }
        }
    }

    /** Returns once the message is acknowledged, and so stored. A message whose ack was lost is stored twice. */
    private static void publish(StreamingConnection stan, String channel, String order)
            throws IOException, InterruptedException, TimeoutException {
        Instant deadline = Instant.now().plus(GIVE_UP_AFTER);
        while (true) {
            try {
                stan.publish(channel, order.getBytes(StandardCharsets.UTF_8));
                return;
            } catch (IOException | TimeoutException | IllegalStateException error) {
                if (Instant.now().isAfter(deadline)) {
                    throw error;
                }
                Thread.sleep(100);
            }
        }
    }
}
