//go:build unix

package handover_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

func TestSuccessorOutlivesItsIncumbent(t *testing.T) {
	dir, err := os.MkdirTemp("", "ho")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(handover.SocketVariable, dir+"/s")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(w, "token")
	s, err := handover.Join(deadline(t), "1.1.0", r)
	if err != nil {
		t.Fatal(err)
	}
	if handover.Invited() {
		t.Error("children of a successor would take themselves for successors")
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := s.Await(deadline(t)); !errors.Is(err, handover.ErrIncumbentGone) {
		t.Errorf("await: %v", err)
	}
}
