// A stand-in for prometheus-nats-exporter, whose image needs a registry: it serves its port, and no metrics.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/metrics", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(answer, "# a stand-in for the exporter")
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":7777", nil))
	os.Exit(1)
}
