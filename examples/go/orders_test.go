// Package orders shows a publisher and a subscriber that survive failovers of the group:
//
//	stanlocal run --fault kill:@active --every 3s -- go test ./...
package orders

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/stan.go"
)

const publishFor = 9 * time.Second

// connect returns a client that knows every node and gives up none of them.
func connect(t *testing.T, clientID string) stan.Conn {
	t.Helper()
	nc, err := nats.Connect(os.Getenv("NATS_URL"), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	// Every node may be without an active one for a second or two: ask again until one answers.
	for deadline := time.Now().Add(30 * time.Second); ; {
		sc, err := stan.Connect(os.Getenv("STAN_CLUSTER_ID"), clientID, stan.NatsConn(nc), stan.PubAckWait(2*time.Second))
		if err == nil {
			t.Cleanup(func() { sc.Close() })
			return sc
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// publish returns once the message is acknowledged, and so stored. A message whose ack was lost is stored twice.
func publish(sc stan.Conn, channel, order string) error {
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = sc.Publish(channel, []byte(order)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s was not acknowledged: %w", order, err)
}

func TestNoOrderIsLost(t *testing.T) {
	suffix := fmt.Sprint(time.Now().UnixNano())
	channel := "orders." + suffix
	sc := connect(t, "orders-"+suffix)

	var lock sync.Mutex
	received := map[string]bool{} // a set: an order that is delivered again is the same order
	_, err := sc.Subscribe(channel, func(m *stan.Msg) {
		lock.Lock()
		defer lock.Unlock()
		received[string(m.Data)] = true
	}, stan.DurableName("warehouse"), stan.DeliverAllAvailable(), stan.AckWait(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}

	var published []string
	for end := time.Now().Add(publishFor); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		order := fmt.Sprintf("order %d", len(published))
		if err := publish(sc, channel, order); err != nil {
			t.Fatal(err)
		}
		published = append(published, order)
	}

	missing := func() (missing []string) {
		lock.Lock()
		defer lock.Unlock()
		for _, order := range published {
			if !received[order] {
				missing = append(missing, order)
			}
		}
		return missing
	}
	for deadline := time.Now().Add(30 * time.Second); len(missing()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d orders are lost: %v", len(missing()), len(published), missing())
		}
	}
	t.Logf("%d orders", len(published))
}
