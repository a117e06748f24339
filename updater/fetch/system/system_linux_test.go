package system

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const busConfig = `<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// newBus starts a message bus of the test's own and makes it that of the system and of the session.
func newBus(t *testing.T) *dbus.Conn {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is not installed")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	address := "unix:path=" + filepath.Join(folder, "bus")
	config := filepath.Join(folder, "bus.conf")
	must(os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(folder, "bus")), 0o600))
	cmd := exec.Command(daemon, "--config-file="+config, "--nofork", "--print-address=1")
	out, err := cmd.StdoutPipe()
	must(err)
	must(cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it is killed, which Wait calls an error
	_, err = out.Read(make([]byte, 256))                         // it prints its address when it listens
	must(err)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	conn, err := dbus.Connect(address)
	must(err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// service answers for properties, as NetworkManager and UPower do.
type service struct {
	conn   *dbus.Conn
	mu     sync.Mutex
	values map[string]any
}

func (s *service) Get(iface, name string) (dbus.Variant, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[iface+"."+name]; ok {
		return dbus.MakeVariant(v), nil
	}
	return dbus.Variant{}, dbus.MakeFailedError(fmt.Errorf("no %s.%s", iface, name))
}

// set changes a property and announces it.
func (s *service) set(t *testing.T, p property, value any) {
	t.Helper()
	s.mu.Lock()
	s.values[p.name] = value
	s.mu.Unlock()
	if err := s.conn.Emit(dbus.ObjectPath(p.object), "org.freedesktop.DBus.Properties.PropertiesChanged", "", map[string]dbus.Variant{}, []string{}); err != nil {
		t.Fatal(err)
	}
}

func newServices(t *testing.T, conn *dbus.Conn) *service {
	t.Helper()
	s := &service{conn: conn, values: map[string]any{}}
	for _, p := range []property{metered, onBattery, charge} {
		if err := conn.Export(s, dbus.ObjectPath(p.object), "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RequestName(p.service, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestRead(t *testing.T) {
	s := newServices(t, newBus(t))
	for _, tc := range []struct {
		metered any
		battery any
		charge  any
		want    State
	}{
		{uint32(1), true, 42.7, State{Yes, Yes, 42}},
		{uint32(3), false, 100.0, State{Yes, No, 100}},
		{uint32(2), false, 0.0, State{No, No, -1}},
		{uint32(4), true, 1e9, State{No, Yes, -1}},
		{uint32(0), "yes", "full", State{Unknown, Unknown, -1}}, // a service that speaks otherwise
		{uint32(99), nil, nil, State{Unknown, Unknown, -1}},
	} {
		s.mu.Lock()
		s.values = map[string]any{metered.name: tc.metered}
		if tc.battery != nil {
			s.values[onBattery.name], s.values[charge.name] = tc.battery, tc.charge
		}
		s.mu.Unlock()
		if got := Read(t.Context()); got != tc.want {
			t.Errorf("%+v: got %+v", tc, got)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Run("no services", func(t *testing.T) {
		newBus(t)
		if got := Read(t.Context()); got != (State{Charge: -1}) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("no bus", func(t *testing.T) {
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
		if got := Read(t.Context()); got != (State{Charge: -1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestWatch(t *testing.T) {
	s := newServices(t, newBus(t))
	s.set(t, onBattery, false)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	seen := make(chan State)
	var over sync.WaitGroup
	defer over.Wait()
	over.Go(func() {
		Watch(ctx, time.Hour, func(s State) {
			select {
			case seen <- s:
			case <-ctx.Done():
			}
		})
	})
	next := func() State {
		t.Helper()
		select {
		case s := <-seen:
			return s
		case <-ctx.Done():
			t.Fatal("no change is told")
			return State{}
		}
	}
	if got := next(); got.Battery != No {
		t.Errorf("at first %+v", got)
	}
	s.set(t, onBattery, true) // long before the hour is over
	if got := next(); got.Battery != Yes {
		t.Errorf("then %+v", got)
	}
	stop()
}

// portal resolves proxies as the desktop's does.
type portal struct{ asked atomic.Int64 }

func (p *portal) Lookup(target string) ([]string, *dbus.Error) {
	p.asked.Add(1)
	if target == "https://near.example/" {
		return []string{"direct://"}, nil
	}
	return []string{"http://proxy.example:3128", "direct://"}, nil
}

func TestProxiesOfTheDesktop(t *testing.T) {
	conn := newBus(t)
	p := &portal{}
	if err := conn.Export(p, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.ProxyResolver"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.freedesktop.portal.Desktop", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	var proxies Proxies
	for range 2 {
		for target, want := range map[string]string{"https://far.example/a/b": "http://proxy.example:3128", "https://near.example/x": ""} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := proxies.For(req)
			if err != nil || got == nil && want != "" || got != nil && got.String() != want {
				t.Errorf("%s: %v, %v", target, got, err)
			}
		}
	}
	if p.asked.Load() != 2 {
		t.Errorf("asked %d times, answers are kept", p.asked.Load())
	}
}
