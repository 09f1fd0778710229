package orders;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.streaming.NatsStreaming;
import io.nats.streaming.StreamingConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * What works until the group fails over: it makes no lost connection again, and sends no message again.
 *
 * <pre>stanlocal run --fault kill:@active --every 3s -- mvn test -Dtest=NaiveOrders</pre>
 */
class NaiveOrders {
    @Test
    void ordersArePublished() throws Exception {
        String suffix = UUID.randomUUID().toString();
        Options options = new Options.Builder().servers(System.getenv("NATS_URL").split(","))
            .noReconnect().build();
        try (Connection nats = Nats.connect(options)) {
            StreamingConnection stan = NatsStreaming.connect(System.getenv("STAN_CLUSTER_ID"), "naive-" + suffix,
                new io.nats.streaming.Options.Builder().natsConn(nats).pubAckWait(Duration.ofSeconds(2)).build());
            int order = 0;
            for (Instant end = Instant.now().plusSeconds(9); Instant.now().isBefore(end); Thread.sleep(10)) {
                stan.publish("naive." + suffix, ("order " + order++).getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}
