//go:build e2e && linux

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tools are the command and the segments of the file, made once.
var tools struct{ folder, get, segments string }

func TestMain(m *testing.M) { os.Exit(withTools(m)) }

func withTools(m *testing.M) int {
	folder, err := os.MkdirTemp("", "hostile")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	tools.folder, tools.get, tools.segments = folder, filepath.Join(folder, "get"), filepath.Join(folder, "segments")
	if out, err := exec.Command("go", "build", "-o", tools.get, "../../updater/fetch/internal/get").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	whole := filepath.Join(folder, "file")
	if err := os.WriteFile(whole, file, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sums, err := exec.Command(tools.get, "-hash", whole).Output()
	if err == nil {
		err = os.WriteFile(tools.segments, sums, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// client is the process that downloads.
type client struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	said   bytes.Buffer
	idle   int64 // bytes of memory
	output string
}

// outcome is what the process says, and what it took.
type outcome struct {
	Label   string
	Error   string
	Seconds float64
	Resumed int64
	memory  int64 // bytes beyond idle
}

// start runs the process up to the point where it would begin.
func start(t *testing.T, output string, proven bool, address string, flags ...string) *client {
	t.Helper()
	args := []string{"-wait", "-v", "-o", output, "-length", strconv.Itoa(len(file)), "-backoff", "20ms", "-max-wait", "3s", "-idle", "1s", "-attempts", "6"}
	if proven {
		args = append(args, "-segments", tools.segments)
	}
	c := &client{t: t, output: output, cmd: exec.Command(tools.get, append(append(args, flags...), address)...)}
	var err error
	c.in, err = c.cmd.StdinPipe()
	c.must(err)
	out, err := c.cmd.StdoutPipe()
	c.must(err)
	c.out, c.cmd.Stderr = bufio.NewReader(out), &c.said
	c.must(c.cmd.Start())
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() }) // it has ended, unless the test failed
	if line, err := c.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("it says %q, %v\n%s", line, err, &c.said)
	}
	c.must(os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0))
	c.idle = c.memory("VmRSS:")
	return c
}

func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) begin() {
	c.t.Helper()
	_, err := io.WriteString(c.in, "\n")
	c.must(err)
}

// end waits for the outcome.
func (c *client) end() (o outcome) {
	c.t.Helper()
	timeout := time.AfterFunc(2*time.Minute, func() { _ = c.cmd.Process.Kill() })
	defer timeout.Stop()
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("it ended without a word: %v\n%s", err, &c.said)
	}
	c.must(json.Unmarshal(line, &o))
	o.memory = c.memory("VmHWM:") - c.idle
	c.in.Close()
	_ = c.cmd.Wait() // its status repeats the outcome
	return o
}

func (c *client) memory(line string) int64 {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	c.must(err)
	_, after, _ := strings.Cut(string(text), line)
	var kilobytes int64
	_, err = fmt.Sscan(after, &kilobytes)
	c.must(err)
	return kilobytes << 10
}

// right tells whether the file is there as it should be, and nothing beside it.
func (c *client) right() {
	c.t.Helper()
	got, err := os.ReadFile(c.output)
	c.must(err)
	if !bytes.Equal(got, file) {
		c.t.Error("what came is not the file")
	}
	if left, _ := filepath.Glob(c.output + "*"); len(left) != 1 {
		c.t.Errorf("left beside the file: %v", left)
	}
}
