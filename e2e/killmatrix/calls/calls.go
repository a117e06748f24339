//go:build linux && amd64

// Package calls runs a program and is asked before every system call, of it and of all processes it starts, that can change a file below
// one folder. It can let the call happen, make it fail, or kill the process instead.
//
// Parties: the tracer here, one per run; the program and its descendants, which notice nothing but the errors they are given. The
// tracing is ptrace's; a seccomp filter (command launch) keeps it from stopping at other calls. Calls are counted over all threads of all
// processes, because Go's goroutines, and with them the calls, wander between threads.
//
// Guarantees. When Run returns, every process has ended. A call that is refused, or whose process is killed, has had no effect. Calls that
// are let go are told again with their result.
//
// A crash of the tracer ends all processes it traces.
package calls

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// Kind is what a call does.
type Kind int

// The kinds. Every call that is traced is one of them, whatever its name.
const (
	Open     Kind = iota // creates Path, or empties it
	Write                // writes Data to Path at Offset
	Truncate             // makes Path Size long
	Sync                 // makes Path durable: a file's bytes, or a folder's names
	Rename               // Path gets the name To; with Flags of renameat2
	Link                 // Path gets the second name To
	Symlink              // To becomes a link to Path
	Unlink               // removes Path; with Flags of unlinkat
	Mkdir                // makes Path
	Mode                 // gives Path the permissions Mode
	Other                // owners, attributes, times, sockets: nothing that content or names depend on
)

// Call is one system call. Paths below Options.Below are relative to it, others absolute.
type Call struct {
	Process *Process
	Name    string // of the call
	Kind    Kind
	Path    string
	To      string
	Offset  int64
	Size    int64
	Data    []byte // what Write writes, where the run keeps it
	Flags   int
	Mode    uint32
	Result  int64 // once it has happened: what the system answered, below zero an error
	Nth     int   // among the calls that look the same, from 1
}

// Process is one process of the run.
type Process struct {
	PID    int
	Role   string // as Options.Role names it
	parent *Process
}

// Key recognises the same call in another run.
func (c *Call) Key() string { return fmt.Sprintf("%s#%d", c.looks(), c.Nth) }

func (c *Call) looks() string {
	s := c.Process.Role + ": " + c.Name + " " + plain(c.Path)
	if c.To != "" {
		s += " " + plain(c.To)
	}
	return s
}

// random is what no two runs have in common: temporary names and process numbers.
var random = regexp.MustCompile(`\.durable-[0-9a-f]{16}|handover-[0-9]+`)

func plain(path string) string { return random.ReplaceAllString(path, "*") }

// Verdict is what becomes of a call.
type Verdict int

// The verdicts besides the system's errors.
const (
	Go   Verdict = 0  // let it happen
	Kill Verdict = -1 // kill its process
)

// Fail makes a call fail.
func Fail(errno syscall.Errno) Verdict { return Verdict(errno) }

// Options of a run.
type Options struct {
	Launcher string   // command launch, built
	Args     []string // the program and its arguments
	Env      []string
	Dir      string   // working folder
	Output   *os.File // standard output and error
	Below    string   // the folder whose changes matter, as the system names it
	Keep     bool     // keep what is written, in Call.Data
	// Role names a process that has executed a program, by its arguments and environment.
	Role func(pid int, args, env []string) string
	// Before is asked about each call, After told of each that happened; one at a time. Either may be nil.
	Before func(*Call) Verdict
	After  func(*Call)
}

// fields of the system's files below /proc, each ended by a zero byte
func fields(pid int, name string) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

func below(folder, path string) bool {
	return path == folder || strings.HasPrefix(path, folder+string(filepath.Separator))
}
