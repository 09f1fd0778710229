// A stand-in for the server that does nothing but write lines as the server does, at a given rate.
// What to write is in the configuration that the engine mounts: {"rate": lines/s, "lines": n, "problems": every}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	var conf struct{ Rate, Lines, Problems int }
	text, err := os.ReadFile("/etc/stan-config/stan.conf")
	if err == nil {
		err = json.Unmarshal(text, &conf)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
			stamp := time.Now().UTC().Format("2006/01/02 15:04:05.000000")
			fmt.Fprintf(out, "[1] %s [%s] STREAM: %s %d\n", stamp, level, said, written)
		}
		out.Flush()
	}
	time.Sleep(time.Hour)
}
