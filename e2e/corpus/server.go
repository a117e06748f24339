//go:build linux

package corpus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// A server is a small HTTP server of this package's own: what a toolchain puts into every program,
// and little else. The new version answers one path more.
type server struct{ language, handlers string }

const serverSource = `package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"runtime"
	"time"
)

type status struct {
	Started time.Time
	Served  int
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	now := status{Started: time.Now()}
	http.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		now.Served++
		if err := json.NewEncoder(w).Encode(now); err != nil {
			log.Print(err)
		}
	})
%s	log.Printf("%%s listens on %%s", runtime.Version(), *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}
`

const oneMoreHandler = `	http.HandleFunc("/uptime", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if _, err := w.Write([]byte("up for " + time.Since(now.Started).Round(time.Second).String() + "\n")); err != nil {
			log.Print(err)
		}
	})
`

func (s server) String() string {
	if s.handlers == "" {
		return "a small HTTP server"
	}
	return "a small HTTP server with one more handler"
}

func (s server) flags() []string { return nil }

func (s server) lay(_ context.Context, _ *Builder, dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/server\n\ngo "+s.language+"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "main.go"), fmt.Appendf(nil, serverSource, s.handlers), 0o644)
}
