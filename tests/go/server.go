package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// server is a running Ombud with the demonstration's merchants.
type server struct {
	process *exec.Cmd
	data    string
	url     string
	auditor string
	agent   string
	// The decisions that were answered.
	decisions []decision
	sent      int
}

type decision struct {
	ID   string `json:"id"`
	Seq  int64  `json:"seq"`
	Leaf string `json:"leaf"`
}

var running *server

func start(binary string, witness *witness) *server {
	data, err := os.MkdirTemp("", "ombud-go")
	check(err)
	process := exec.Command(binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--log-level", "error", "--data", data,
		"--policies", "policies", "--operator", operator, "--witness", witness.argument())
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	check(err)
	check(process.Start())
	running = &server{process: process, data: data}
	lines := bufio.NewScanner(output)
	for running.url == "" {
		must(lines.Scan(), "the server does not start")
		if at := strings.Index(lines.Text(), "http://"); at >= 0 {
			running.url = lines.Text()[at:]
		}
	}
	go io.Copy(io.Discard, output)
	var keys struct {
		Merchants map[string]map[string]string `json:"merchants"`
	}
	check(json.Unmarshal([]byte(running.read("demo-keys.json")), &keys))
	running.auditor, running.agent = keys.Merchants[merchant]["auditor"], keys.Merchants[merchant]["agent"]
	return running
}

func (s *server) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
	_ = os.RemoveAll(s.data)
}

// read is a file of the data directory.
func (s *server) read(name string) string {
	text, err := os.ReadFile(filepath.Join(s.data, name))
	check(err)
	return string(text)
}

// send posts events that are decided, in batches.
func (s *server) send(count int) {
	example, err := os.ReadFile("tests/events/delay.detected.json")
	check(err)
	for done := 0; done < count; {
		var batch []json.RawMessage
		for ; done < count && len(batch) < 100; done++ {
			var event map[string]interface{}
			check(json.Unmarshal(example, &event))
			s.sent++
			event["id"] = fmt.Sprintf("go-%d", s.sent)
			facts := event["data"].(map[string]interface{})["delay"].(map[string]interface{})
			facts["order_id"] = fmt.Sprintf("go-order-%d", s.sent)
			text, err := json.Marshal(event)
			check(err)
			batch = append(batch, text)
		}
		body, err := json.Marshal(batch)
		check(err)
		request, err := http.NewRequest("POST", s.url+"/v1/merchants/"+merchant+"/events:batch", bytes.NewReader(body))
		check(err)
		request.Header.Set("content-type", "application/cloudevents-batch+json")
		request.Header.Set("authorization", "Bearer "+s.agent)
		answer, status := s.do(request)
		must(status == 200, "the batch is refused: %d %s", status, answer)
		var items []struct {
			Answer struct {
				Decisions []decision `json:"decisions"`
			} `json:"answer"`
		}
		check(json.Unmarshal(answer, &items))
		for _, item := range items {
			s.decisions = append(s.decisions, item.Answer.Decisions...)
		}
	}
	must(len(s.decisions) == s.sent, "%d events gave %d decisions", s.sent, len(s.decisions))
}

// get is what stands at a path below the merchant's, for its auditor.
func (s *server) get(path string) ([]byte, int) {
	request, err := http.NewRequest("GET", s.url+"/v1/merchants/"+merchant+path, nil)
	check(err)
	request.Header.Set("authorization", "Bearer "+s.auditor)
	return s.do(request)
}

func (s *server) do(request *http.Request) ([]byte, int) {
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(err)
	return body, answer.StatusCode
}

// checkpoint waits for a signed checkpoint with at least so many records.
func (s *server) checkpoint(keys []string, atLeast int64) head {
	for try := 0; try < 300; try++ {
		text, status := s.get("/ledger/checkpoint")
		if status == 200 {
			opened, err := open(string(text), verifiers(keys, merchant), operator+"/"+merchant)
			check(err)
			if opened.N >= atLeast {
				return opened
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	fail(fmt.Sprintf("no checkpoint with %d records", atLeast))
	return head{}
}

func decode(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	check(err)
	return bytes
}
