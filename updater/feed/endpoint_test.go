package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

func TestOneRequest(t *testing.T) {
	r := published(t)
	c := client(t, r.checking())
	res := check(t, c)
	if got := r.asked(); !slices.Equal(got, []string{"v1/check"}) || res.Requests != 1 {
		t.Fatalf("asked for %v, counted %d", got, res.Requests)
	}
	if res.Next != 5*time.Hour || res.ID == "" {
		t.Errorf("got %+v", res)
	}
	if again := check(t, c); again.ID != res.ID || again.Requests != 1 {
		t.Errorf("afterwards %+v", again)
	}
}

// onCheck answers requests to the check endpoint, and no others.
func (r *repository) onCheck(answer func(w http.ResponseWriter, req *http.Request)) {
	r.intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != "/v1/check" {
			return false
		}
		answer(w, req)
		return true
	})
}

func says(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Whatever an endpoint answers, the files beside it are found in the same check;
// one that is missing is left alone for a day.
func TestFallsBackToFiles(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(w http.ResponseWriter, req *http.Request)
		missing bool
	}{
		"404":                                 {says(404, ""), true},
		"405":                                 {says(405, ""), true},
		"501":                                 {says(501, ""), true},
		"400":                                 {says(400, "no such app"), true},
		"a web page":                          {says(200, "<!doctype html>"), true},
		"nothing":                             {says(200, ""), true},
		"another object":                      {says(200, `{"error":"x"}`), true},
		"files that are numbers":              {says(200, `{"next":1,"files":{"timestamp.json":7}}`), true},
		"files that are a list":               {says(200, `{"next":1,"files":[]}`), true},
		"next that is no number":              {says(200, `{"next":"soon"}`), true},
		"redirect to nowhere":                 {func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/else", http.StatusFound) }, true},
		"500":                                 {says(500, ""), false},
		"502":                                 {says(502, ""), false},
		"503 without a time":                  {says(503, ""), false},
		"nothing newer than what is not here": {says(200, `{"next":1}`), false},
		"a timestamp that is none":            {says(200, `{"next":1,"files":{"timestamp.json":{}}}`), false},
		"a connection that breaks": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"next":1`))
		}, false},
		"endless": {func(w http.ResponseWriter, _ *http.Request) { endless(w, nil, "") }, true},
		"no answer in time": {func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body) // only then does the server see the client go
			<-req.Context().Done()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := published(t)
			r.onCheck(c.answer)
			o, now := r.checking(), start
			o.Now = func() time.Time { return now }
			if name == "no answer in time" {
				o.Timeout = 500 * time.Millisecond
			}
			cl := client(t, o)
			for _, passed := range []struct {
				at   time.Time
				asks bool
			}{{start, true}, {start.Add(23 * time.Hour), !c.missing}, {start.Add(24 * time.Hour), true}} {
				now = passed.at
				r.asked()
				if got := versions(check(t, cl)); !slices.Equal(got, []string{"1.0.0"}) {
					t.Fatalf("got %v", got)
				}
				if got := slices.Contains(r.asked(), "v1/check"); got != passed.asks {
					t.Errorf("at %v the endpoint was asked: %v", passed.at, got)
				}
			}
			if c.missing {
				o.CheckURL += "/new" // another endpoint is worth a try at once
				check(t, client(t, o))
				if got := r.asked(); !slices.Contains(got, "v1/check/new") {
					t.Errorf("asked only for %v", got)
				}
			}
		})
	}
}

// A network that answers everything with a sign-in page says nothing of whether
// there is an endpoint.
func TestSignInPageIsNotRemembered(t *testing.T) {
	r := published(t)
	c := client(t, r.checking())
	r.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte("<!doctype html><p>Please sign in"))
		return true
	})
	refused(t, c, feed.ErrMalformed)
	r.intercept(nil)
	r.asked()
	if res := check(t, c); res.Requests != 1 {
		t.Fatalf("asked for %v", r.asked())
	}
}

func TestHonoursRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		least  time.Duration
		most   time.Duration
	}{
		"seconds":            {429, "120", 2 * time.Minute, 2 * time.Minute},
		"503":                {503, "120", 2 * time.Minute, 2 * time.Minute},
		"not said":           {429, "", 0, 0},
		"not readable":       {429, "soon", 0, 0},
		"negative":           {429, "-5", 0, 0},
		"a thousand years":   {429, "31536000000", 24 * time.Hour, 24 * time.Hour},
		"beyond all numbers": {503, "99999999999999999999", 0, 0},
		"a date":             {429, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 58 * time.Minute, time.Hour},
		"a date long ago":    {429, "Sun, 06 Nov 1994 08:49:37 GMT", 0, 0},
	} {
		for way, options := range map[string]func(*repository) feed.Options{"files": (*repository).options, "endpoint": (*repository).checking} {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := published(t)
				r.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header().Set("Retry-After", c.after)
					w.WriteHeader(c.status)
					return true
				})
				res, err := client(t, options(r)).Check(context.Background())
				busy, ok := errors.AsType[*feed.BusyError](err)
				if name == "beyond all numbers" {
					if ok {
						t.Fatalf("a time that cannot be read was taken for %v", busy.After)
					}
					return
				}
				if !ok || busy.After < c.least || busy.After > c.most {
					t.Fatalf("got %v", err)
				}
				if res.Requests != 1 || feed.Label(err) != "busy" || !errors.Is(err, feed.ErrUnreachable) {
					t.Errorf("%d requests, %s", res.Requests, feed.Label(err))
				}
			})
		}
	}
}

func TestNextIsWithinBounds(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"0": 0, "-1": 0, "1": time.Minute, "18000": 5 * time.Hour, "1e300": 24 * time.Hour, "90.5": 90500 * time.Millisecond,
	} {
		r := published(t)
		c := client(t, r.checking())
		check(t, c)
		r.onCheck(says(200, `{"next":`+said+`}`))
		if got := check(t, c).Next; got != want {
			t.Errorf("next %s: %v, want %v", said, got, want)
		}
	}
}

// What the endpoint leaves out is asked for by name.
func TestForgetfulEndpoint(t *testing.T) {
	r := published(t)
	r.onCheck(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"next":60,"files":{"timestamp.json":%s}}`, r.get("timestamp.json"))
	})
	res := check(t, client(t, r.checking()))
	if got := r.asked(); !slices.Equal(got, []string{"v1/check", "1.snapshot.json", "1.targets.json", "1.notes-releases.json"}) || res.Requests != 4 {
		t.Fatalf("asked for %v", got)
	}
}

// The id decides who gets a rollout first, so nobody but the client may know it.
func TestIDIsKeptAndNeverSent(t *testing.T) {
	r := published(t)
	o := r.checking()
	var sent strings.Builder
	o.Client = &http.Client{Transport: recorder{&sent}}
	id := check(t, client(t, o)).ID
	if id == "" || id != check(t, client(t, o)).ID {
		t.Fatalf("id %q did not last", id)
	}
	if strings.Contains(sent.String(), id) || sent.Len() == 0 {
		t.Fatalf("sent %s", sent.String())
	}
	if other := check(t, client(t, r.checking())).ID; other == id {
		t.Error("two installations have the same id")
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "id"), []byte("\x00 damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if healed := check(t, client(t, o)).ID; len(healed) != len(id) || healed == id {
		t.Errorf("after damage the id is %q", healed)
	}
}

// recorder writes down what goes out.
type recorder struct{ sent *strings.Builder }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.sent.WriteString(req.URL.String())
	_ = req.Header.Write(r.sent)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		var doc any
		_ = json.NewDecoder(body).Decode(&doc)
		fmt.Fprint(r.sent, doc)
	}
	return http.DefaultTransport.RoundTrip(req)
}

func rollout(t *testing.T, share int) json.RawMessage {
	t.Helper()
	v, err := release.ParseVersion("1.1.0")
	if err != nil {
		t.Fatal(err)
	}
	custom, err := release.EncodeRollout(release.Rollout{Channel: release.Stable, Target: v, Salt: "s", Share: share})
	if err != nil {
		t.Fatal(err)
	}
	return custom
}

func TestRolloutsAndFloor(t *testing.T) {
	floor, err := release.ParseVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := release.EncodeFloor(floor)
	if err != nil {
		t.Fatal(err)
	}
	r := newRepository(t).withRollouts()
	r.add("1.1.0", release.Stable)
	r.target(release.FloorPath(app), encoded)
	r.rollout(release.RolloutPath(app, release.Stable), rollout(t, release.Shares))
	r.rollout(release.RolloutPath("other", release.Stable), rollout(t, 0)) // not this role's business
	r.rollout(app+"/stable/linux-amd64/6.6.6", rollout(t, 0))
	r.rollout(app+"/rollout/edge", rollout(t, 0)) // for newer clients
	r.publish()
	c := client(t, r.options())
	res := check(t, c)
	if len(res.Rollouts) != 1 || res.Floor != floor || res.Skipped != 3 || len(res.Releases) != 1 {
		t.Fatalf("got %+v", res)
	}
	who := release.Client{Channel: release.Stable, Platform: release.Current(), ID: res.ID}
	if offer, ok := res.Offer(who); !ok || offer.Version.String() != "1.1.0" {
		t.Fatalf("offered %v", offer)
	}

	t.Run("a rollout that cannot be read offers nothing", func(t *testing.T) {
		for _, custom := range []string{`{"schema":99}`, `{}`, `7`} {
			r.rollout(release.RolloutPath(app, release.Stable), json.RawMessage(custom))
			r.next()
			r.publish()
			res := check(t, c)
			if offer, ok := res.Offer(who); ok || len(res.Rollouts) != 1 {
				t.Errorf("after %s: offered %v by %+v", custom, offer, res.Rollouts)
			}
		}
	})
	t.Run("a floor that cannot be read stops the check", func(t *testing.T) {
		r.target(release.FloorPath(app), json.RawMessage(`{"schema":99}`))
		r.next()
		r.publish()
		refused(t, c, feed.ErrMalformed)
	})
}

// Only the role that it was delegated to may set the floor.
func TestFloorOfTheWrongRole(t *testing.T) {
	encoded := json.RawMessage(`{"schema":1,"floor":"9.9.9"}`)
	r := newRepository(t).withRollouts()
	r.add("1.0.0", release.Stable)
	r.rollout(release.FloorPath(app), encoded)
	r.publish()
	if res := check(t, client(t, r.options())); !res.Floor.IsZero() || res.Skipped != 1 {
		t.Fatalf("floor %v", res.Floor)
	}
}

func TestLabels(t *testing.T) {
	for want, err := range map[string]error{
		"ok": nil, "cancelled": fmt.Errorf("x: %w", context.Canceled), "busy": fmt.Errorf("x: %w", &feed.BusyError{}),
		"state": feed.ErrState, "rollback": fmt.Errorf("x: %w", feed.ErrRollback), "signature": feed.ErrSignature,
		"expired": feed.ErrExpired, "malformed": feed.ErrMalformed, "unreachable": feed.ErrUnreachable, "other": errors.New("x"),
	} {
		if got := feed.Label(err); got != want {
			t.Errorf("%v is labelled %q, want %q", err, got, want)
		}
	}
	if !errors.Is(feed.ErrRollback, feed.ErrSignature) {
		t.Error("a rollback is no matter of signatures")
	}
}
