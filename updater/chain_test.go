package updater_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater"
)

// chain is published once for all tests: making patches of whole programs takes its time.
var chain sync.Once

// publishChain makes 1.0.0, which is installed, 1.1.0 and 1.2.0, each with a patch from the one before only.
func (s *stage) publishChain() {
	s.t.Helper()
	made := filepath.Join(scratch, "chain")
	chain.Do(func() {
		s.publish("1.0.0", good)
		s.publishWith("1.1.0", failsTrial, 1) // on the way it is not run
		s.publishWith("1.2.0", good, 1)
		if err := os.CopyFS(made, os.DirFS(s.path("pub"))); err != nil {
			s.t.Fatal(err)
		}
	})
	if err := os.RemoveAll(s.path("pub")); err != nil {
		s.t.Fatal(err)
	}
	s.copyPublisher(made)
}

func TestUpdateByAChain(t *testing.T) {
	s := newStage(t)
	s.publishChain()
	s.start()
	waiting := s.awaitState(updater.Waiting)
	if waiting.Target != "1.2.0" || strings.Count(waiting.Figures.Codec, "+") != 1 || waiting.PatchBytes >= waiting.FullBytes/100 {
		t.Errorf("waiting: %+v", waiting)
	}
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.2.0")
	history, err := s.engine.History()
	if err != nil || len(history) != 1 || history[0].Bytes != waiting.PatchBytes {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestBrokenChainFallsBackToTheFullArtifact(t *testing.T) {
	s := newStage(t)
	s.publishChain()
	var patches atomic.Int32
	s.faulty = func(path string) bool {
		return strings.Contains(path, "/patches/") && patches.Add(1) == 2
	}
	s.start()
	waiting := s.awaitState(updater.Waiting)
	if waiting.Target != "1.2.0" || waiting.Figures.Codec != "zstd" || waiting.PatchBytes != waiting.FullBytes {
		t.Errorf("waiting: %+v", waiting)
	}
	if n := patches.Load(); n != 2 {
		t.Errorf("%d patches were asked for", n)
	}
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.2.0")
}
