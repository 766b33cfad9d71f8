// The host's process: starts the plugin and makes load as it is told. One JSON object per line in, one out; the same
// as ../../harness/subject-process.ts speaks. Ends when its standard input does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"connect-plugin.bench/go-plugin/echo"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

type order struct {
	InFlight int     `json:"inFlight"`
	Ms       float64 `json:"ms"`
	Bytes    int     `json:"bytes"`
}

type load struct {
	Calls int     `json:"calls"`
	Ms    float64 `json:"ms"`
	P50Us float64 `json:"p50Us"`
	P99Us float64 `json:"p99Us"`
}

type reply struct {
	Result *load  `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Latencies kept in a run: enough for every run, and a bound.
const maxSamples = 1 << 18

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: host PLUGIN_BINARY")
		os.Exit(2)
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  echo.Handshake,
		Plugins:          plugin.PluginSet{"echo": echo.Plugin{}},
		Cmd:              exec.Command(os.Args[1]),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	if err := serve(client); err != nil {
		fmt.Fprintln(os.Stderr, err)
		client.Kill()
		os.Exit(1)
	}
}

func serve(client *plugin.Client) error {
	session, err := client.Client()
	if err != nil {
		return err
	}
	raw, err := session.Dispense("echo")
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]bool{"ready": true}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var what order
		if err := json.Unmarshal(lines.Bytes(), &what); err != nil {
			return err
		}
		answer := reply{}
		if result, err := makeLoad(raw.(*echo.Client), what); err != nil {
			answer.Error = err.Error()
		} else {
			answer.Result = result
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func makeLoad(client *echo.Client, what order) (*load, error) {
	text := strings.Repeat("x", what.Bytes)
	duration := time.Duration(what.Ms * float64(time.Millisecond))
	perLane := make([][]float64, what.InFlight)
	calls := make([]int, what.InFlight)
	failures := make([]error, what.InFlight)
	var lanes sync.WaitGroup
	began := time.Now()
	for lane := range what.InFlight {
		samples := make([]float64, 0, maxSamples/what.InFlight)
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			for time.Since(began) < duration {
				at := time.Now()
				answer, err := client.Echo(context.Background(), text)
				if err == nil && answer != text {
					err = fmt.Errorf("the echo of %d characters has %d", len(text), len(answer))
				}
				if err != nil {
					failures[lane] = err
					return
				}
				calls[lane]++
				if len(samples) < cap(samples) {
					samples = append(samples, float64(time.Since(at))/1e3)
				}
			}
			perLane[lane] = samples
		}()
	}
	lanes.Wait()
	elapsed := time.Since(began)
	result := &load{Ms: float64(elapsed) / 1e6}
	for lane := range what.InFlight {
		if failures[lane] != nil {
			return nil, failures[lane]
		}
		result.Calls += calls[lane]
	}
	all := slices.Concat(perLane...)
	slices.Sort(all)
	result.P50Us = all[len(all)/2]
	result.P99Us = all[len(all)*99/100]
	return result, nil
}
