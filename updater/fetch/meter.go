package fetch

import (
	"math"
	"time"
)

// Reason says why a download waits. Callers may have reasons of their own.
type Reason string

// Reasons to wait.
const (
	Paused     Reason = "paused"      // by a [Switch]
	Metered    Reason = "metered"     // the connection costs by the byte
	Battery    Reason = "battery"     // the machine runs on little power
	QuietHours Reason = "quiet hours" // the user wants no traffic now
	Offline    Reason = "offline"     // there is no network
	Retrying   Reason = "retrying"    // every server that has the file is left alone for a moment
)

// Progress is how far a download is.
type Progress struct {
	Done, Total    int64  // bytes; Done are on disk. It goes back when something has to be fetched again.
	BytesPerSecond int64  // of the last few seconds
	SecondsLeft    int64  // -1: cannot be said
	Requests       int    // on their way now
	Waiting        Reason // "": it does not wait
}

// meter tells progress, at most ten times a second.
type meter struct {
	report func(Progress)
	next   time.Time
	last   time.Time
	bytes  int64   // received at last
	sum    float64 // of speeds, the older the less
	weight float64 // of all that is in sum
	rate   float64 // bytes per second
	told   Progress
}

const (
	tellEvery = 100 * time.Millisecond
	memory    = 3 * time.Second // what the speed is averaged over
)

// tell takes what is on disk and what has been received. Changes of the reason to wait are never left out.
func (m *meter) tell(now time.Time, p Progress, received int64, always bool) {
	m.measure(now, received)
	if !always && p.Waiting == m.told.Waiting && now.Before(m.next) {
		return
	}
	m.next = now.Add(tellEvery)
	p.SecondsLeft = -1
	if p.Waiting == "" {
		p.BytesPerSecond = int64(m.rate)
	}
	switch left := p.Total - p.Done; {
	case left == 0:
		p.SecondsLeft = 0
	case p.BytesPerSecond > 0:
		p.SecondsLeft = int64(math.Ceil(float64(left) / float64(p.BytesPerSecond)))
	}
	m.told = p
	if m.report != nil {
		m.report(p)
	}
}

func (m *meter) measure(now time.Time, received int64) {
	spent := now.Sub(m.last)
	if m.last.IsZero() {
		m.last, m.bytes = now, received
		return
	}
	if spent < tellEvery/2 {
		return
	}
	fresh := 1 - math.Exp(-spent.Seconds()/memory.Seconds())
	m.sum += (float64(received-m.bytes)/spent.Seconds() - m.sum) * fresh
	m.weight += (1 - m.weight) * fresh
	m.rate = m.sum / m.weight
	m.last, m.bytes = now, received
}
