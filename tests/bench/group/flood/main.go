// A stand-in for the server that does nothing but write lines as the server does, at a given rate.
// What to write is in the configuration that the engine mounts: {"rate": lines/s, "lines": n, "problems": every,
// "hold": until SIGUSR1 comes}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	var conf struct {
		Rate, Lines, Problems int
		Hold                  bool
	}
	text, err := os.ReadFile("/etc/stan-config/stan.conf")
	if err == nil {
		err = json.Unmarshal(text, &conf)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if conf.Hold {
		fmt.Fprintf(os.Stderr, "[1] %s [INF] STREAM: Starting nats-streaming-server[flood] version 0.25.6\n", stamp())
		<-told
	}
	const tick = time.Millisecond
	begin, written := time.Now(), 0
	for written < conf.Lines {
		time.Sleep(tick)
		due := min(int(time.Since(begin).Seconds()*float64(conf.Rate)), conf.Lines)
		out := bufio.NewWriterSize(os.Stderr, 1<<16)
		for ; written < due; written++ {
			level, said := "INF", "line"
			if conf.Problems > 0 && written%conf.Problems == 0 {
				level, said = "ERR", "ft: error attempting to get the store lock: line"
			}
			fmt.Fprintf(out, "[1] %s [%s] STREAM: %s %d\n", stamp(), level, said, written)
		}
		out.Flush()
	}
	time.Sleep(time.Hour)
}

func stamp() string {
	return time.Now().UTC().Format("2006/01/02 15:04:05.000000")
}
