package updater_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
)

// outcomes is where the incumbent puts its reports, and where the successor puts its own. They go to s.makers, where there is such a server.
func (s *stage) outcomes() *outcome.Queue {
	s.t.Helper()
	url := ""
	if s.makers != nil {
		url = s.makers.URL
	}
	queue, err := outcome.Open(outcome.Options{Dir: s.path("state/outcomes"), URL: url, Enabled: func() bool { return true }})
	if err != nil {
		s.t.Fatal(err)
	}
	return queue
}

func TestOutcomeIsReported(t *testing.T) {
	for behaviour, want := range map[string][3]string{ // result, stage, code
		good:        {"confirmed", "probation", ""},
		failsTrial:  {"refused", "staged", "trial"},
		exitsAtOnce: {"rolled-back", "handing-over", "crash"},
		dies:        {"rolled-back", "handing-over", "crash"},
	} {
		t.Run(behaviour, func(t *testing.T) {
			s := newStage(t)
			got := make(chan []byte, 8)
			s.makers = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- body
			}))
			t.Cleanup(s.makers.Close)
			s.publish("1.1.0", behaviour)
			s.start()
			s.engine.SetVisible(false)
			s.await("over", func(got updater.Status) bool {
				return got.State == updater.Refused || got.State == updater.RolledBack || behaviour == good && got.State == updater.HandingOver
			})
			if behaviour == good {
				s.awaitEnd()
				go s.outcomes().Run(t.Context()) // what the successor did not come to, the next process sends
			}
			var sent outcome.Report
			if want[0] == "refused" { // may yet turn into something else
				_, next, err := s.outcomes().Look()
				if err != nil || len(next) != 1 || len(got) != 0 {
					t.Fatalf("%d waiting, %d sent, %v", len(next), len(got), err)
				}
				got <- next[0]
			}
			select {
			case body := <-got:
				if err := json.Unmarshal(body, &sent); err != nil {
					t.Fatal(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("nothing was sent")
			}
			if have := [3]string{sent.Result, sent.Stage, sent.Code}; have != want || sent.App != appName || sent.From != "1.0.0" || sent.To != "1.1.0" {
				t.Errorf("sent %+v", sent)
			}
		})
	}
}
