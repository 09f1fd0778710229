// Publishes one message with stan.go, by the variables that `stanlocal env` prints alone, and reads it back.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/stan.go"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	password, err := os.ReadFile(os.Getenv("NATS_PASSWORD_FILE"))
	check(err)
	nc, err := nats.Connect(
		os.Getenv("NATS_URL"),
		nats.RootCAs(os.Getenv("NATS_CA")),
		nats.ClientCert(os.Getenv("NATS_CERT"), os.Getenv("NATS_KEY")),
		nats.UserInfo(os.Getenv("NATS_USER"), strings.TrimSpace(string(password))),
	)
	check(err)
	defer nc.Close()
	sc, err := stan.Connect(os.Getenv("STAN_CLUSTER_ID"), "peer-go", stan.NatsConn(nc))
	check(err)
	defer sc.Close()
	check(sc.Publish(os.Args[1], []byte(os.Args[2])))
	read := make(chan string, 1)
	_, err = sc.Subscribe(os.Args[1], func(m *stan.Msg) { read <- string(m.Data) }, stan.StartWithLastReceived())
	check(err)
	select {
	case text := <-read:
		fmt.Println(text)
	case <-time.After(10 * time.Second):
		check(fmt.Errorf("nothing was delivered"))
	}
}
