package handover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

const roleVariable = "HANDOVER_TEST_ROLE"

// generationVariable makes this binary a server without a window, and tells its generation.
const generationVariable = "HANDOVER_TEST_GENERATION"

// TestMain runs this binary as the successor when a test starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(killVariable) != "" {
		os.Exit(actor())
	}
	if os.Getenv(generationVariable) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if role := os.Getenv(roleVariable); role != "" {
		if err := successor(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func successor(role string) error {
	if role == "exits" {
		return errors.New("no use")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stdin := os.Stdin
	if role == "wrong token" {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		fmt.Fprintln(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		stdin = r
	}
	s, err := handover.Join(ctx, "1.1.0", stdin)
	if err != nil {
		return err
	}
	if role == "dies after hello" {
		return nil
	}
	if err := s.Ready(handover.Report{Version: "1.1.0", Restored: 17, Total: 18, Missing: []string{"zoom"}}); err != nil {
		return err
	}
	window, err := s.Await(ctx)
	if role == "aborted" {
		if !errors.Is(err, handover.ErrAborted) {
			return fmt.Errorf("await: %v, want ErrAborted", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if string(window) != `{"minimised":true}` {
		return fmt.Errorf("window %s", window)
	}
	if role == "dies at commit" {
		return nil
	}
	if err := s.Alive(); err != nil {
		return err
	}
	switch role {
	case "confirms":
		return s.Confirm()
	case "leaves":
		return s.Leave()
	}
	return nil // dies in probation
}

func start(t *testing.T, role string) (*handover.Incumbent, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	dir, err := os.MkdirTemp("", "ho") // t.TempDir is too long for a socket's name on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return handover.Start(deadline(t), dir, cmd, nil)
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestOutcomeOfProbation(t *testing.T) {
	for role, want := range map[string]handover.Outcome{
		"confirms": handover.Confirmed, "leaves": handover.Left, "dies in probation": handover.Lost,
	} {
		t.Run(role, func(t *testing.T) {
			incumbent, err := start(t, role)
			if err != nil {
				t.Fatal(err)
			}
			defer incumbent.Kill()
			report, err := incumbent.Ready(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			if report.Restored != 17 || report.Total != 18 || len(report.Missing) != 1 || report.Version != "1.1.0" {
				t.Errorf("report %+v", report)
			}
			if err := incumbent.Commit(deadline(t), json.RawMessage(`{"minimised":true}`)); err != nil {
				t.Fatal(err)
			}
			got, err := incumbent.Guard(deadline(t))
			if got != want || errors.Is(err, handover.ErrExited) != (want == handover.Lost) {
				t.Errorf("outcome %s, %v; want %s", got, err, want)
			}
		})
	}
}

func TestSuccessorThatFails(t *testing.T) {
	if _, err := start(t, "exits"); !errors.Is(err, handover.ErrExited) {
		t.Errorf("a successor that exits at once: %v", err)
	}
	if _, err := start(t, "wrong token"); !errors.Is(err, handover.ErrExited) {
		t.Errorf("a successor with a wrong token: %v", err)
	}
	incumbent, err := start(t, "dies after hello")
	if err == nil { // its death may be seen before its hello
		_, err = incumbent.Ready(deadline(t))
		incumbent.Kill()
	}
	if !errors.Is(err, handover.ErrExited) {
		t.Errorf("a successor that dies before it is ready: %v", err)
	}

	incumbent, err = start(t, "dies at commit")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := incumbent.Ready(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := incumbent.Commit(deadline(t), json.RawMessage(`{"minimised":true}`)); !errors.Is(err, handover.ErrExited) {
		t.Errorf("a successor that dies at commit: %v", err)
	}
	incumbent.Kill()
}

func TestAbortEndsTheSuccessor(t *testing.T) {
	incumbent, err := start(t, "aborted")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := incumbent.Ready(deadline(t)); err != nil {
		t.Fatal(err)
	}
	incumbent.Abort("the window came back")
	if err := incumbent.Commit(deadline(t), nil); err == nil {
		t.Error("a commit after an abort was taken")
	}
}
