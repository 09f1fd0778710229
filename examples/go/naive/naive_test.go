//go:build naive

// Package naive does what works until the group fails over: it sends no message again.
//
//	stanlocal run --fault kill:@active --every 3s -- go test -tags naive ./naive
package naive

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nats-io/stan.go"
)

func TestOrdersArePublished(t *testing.T) {
	suffix := fmt.Sprint(time.Now().UnixNano())
	url := stan.NatsURL(os.Getenv("NATS_URL"))
	sc, err := stan.Connect(os.Getenv("STAN_CLUSTER_ID"), "naive-"+suffix, url, stan.PubAckWait(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	published := 0
	for end := time.Now().Add(9 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := sc.Publish("naive."+suffix, []byte(fmt.Sprintf("order %d", published))); err != nil {
			t.Fatalf("order %d: %v", published, err)
		}
		published++
	}
}
