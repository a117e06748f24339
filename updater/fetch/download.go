package fetch

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// download is one call of Fetch. One goroutine runs it and decides everything; each request has a worker of its own.
type download struct {
	f       *Fetcher
	r       Request
	sources sources
	ledger  *ledger
	part    *part
	tuner   *tuner
	meter   meter

	received atomic.Int64 // bytes from the network
	ended    chan result
	news     chan struct{} // something was learnt of a source
	begun    bool          // the first answer has come
	opened   time.Time     // when the first request was made
	corrupt  *CorruptError
	wasted   int64 // estimate of what was on its way when a request was cut short

	// taking is held, shared, by a worker that writes, and alone by one that takes the file over.
	taking  sync.RWMutex
	workers map[*worker]bool       // changed only by the goroutine that decides, and with taking held
	sole    atomic.Pointer[worker] // the one whose answer is the whole file; nil
}

type result struct {
	w   *worker
	err error
}

const (
	divisible = 4 << 20 // a file shorter than this comes in one request
	tick      = 100 * time.Millisecond
	askAgain  = 5 * time.Second // how often May is asked
)

func newDownload(f *Fetcher, r Request) *download {
	d := &download{f: f, r: r, workers: map[*worker]bool{}, news: make(chan struct{}, 1), meter: meter{report: r.Progress}}
	block, most := int64(blockSize), f.o.Parallel
	if !r.Segments.none() {
		block = r.Segments.Size
	}
	if r.Length < divisible {
		most = 1
	}
	d.ledger = newLedger(r.Length, block)
	d.part = &part{path: r.Path, ledger: d.ledger, segments: r.Segments}
	d.tuner = newTuner(max(f.o.Start, 1), most)
	d.ended = make(chan result, most)
	d.sources = sources{breakers: &f.breakers, o: &f.o}
	for _, address := range r.URLs {
		u, _ := url.Parse(address) // validated
		d.sources.all = append(d.sources.all, &source{url: address, host: u.Host})
	}
	return d
}

func (d *download) run(ctx context.Context) error {
	tags, whole, err := d.part.open(ctx)
	if err != nil {
		return err
	}
	if whole {
		d.tell(time.Now(), "", true)
		return nil
	}
	defer d.part.close()
	for _, s := range d.sources.all {
		s.tag = tags[s.url]
	}
	if err := d.part.space(d.r.Space); err != nil {
		return err
	}
	d.tell(time.Now(), "", true)
	stop := d.checkpoints()
	err = d.loop(ctx)
	d.dismiss(errOver)
	stop()
	switch {
	case errors.Is(err, ErrDiskFull):
		d.part.discard() // what is there would keep the disk full
		return err
	case err != nil && d.ledger.done() == 0:
		d.part.discard() // nothing to go on with
		return err
	case err != nil:
		d.checkpoint()
		return err
	}
	if err := d.part.finish(); err != nil {
		return err
	}
	d.tell(time.Now(), "", true)
	return nil
}

// loop returns nil when everything is there.
func (d *download) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	gate := gate{d: d}
	// An answer without an announced end may still turn out too long.
	for !d.part.complete() || d.sole.Load() != nil {
		now := time.Now()
		waiting, wake, changed := gate.look(now)
		next := now.Add(tick)
		if !d.begun {
			next = now.Add(tick / 10)
		}
		if waiting != "" {
			d.dismiss(errHeld)
			next = wake
		} else {
			retry, err := d.hire(ctx, now)
			if err != nil {
				return err
			}
			if len(d.workers) == 0 {
				waiting = Retrying
			}
			if retry.Before(next) {
				next = retry
			}
		}
		d.tune(now)
		d.tell(now, waiting, false)
		timer.Reset(time.Until(next))
		select {
		case r := <-d.ended:
			if err := d.settle(r); err != nil {
				return err
			}
		case <-d.news:
			d.begin()
		case <-timer.C:
		case <-changed.download:
		case <-changed.background:
		case <-changed.conditions:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// hire starts as many requests as are allowed and useful. Where nobody can be asked now it says when to look again.
func (d *download) hire(ctx context.Context, now time.Time) (next time.Time, err error) {
	next = now.Add(time.Hour)
	for len(d.workers) < d.allowed(now) {
		e := d.ledger.lend(d.share, func(block int64, tried map[*source]int) *source { return d.choose(now, block, tried) })
		if d.corrupt != nil {
			return next, d.corrupt
		}
		if e == nil {
			e = d.steal(now)
		}
		if e == nil {
			break
		}
		d.start(ctx, e)
	}
	if len(d.workers) > 0 {
		return next, nil
	}
	if next, err = d.sources.outlook(now); !next.After(now) {
		next = now.Add(tick) // a slot, or a host on probation, is all that is missing
	}
	return next, err
}

// choose picks who brings a part, and notes when nobody is left to bring a damaged segment.
func (d *download) choose(now time.Time, block int64, tried map[*source]int) *source {
	if len(tried) > 0 && d.sources.spent(tried) {
		d.corrupt = &CorruptError{Segment: block}
		for _, times := range tried {
			d.corrupt.Times += times
		}
		return nil
	}
	return d.sources.best(now, tried)
}

// allowed is how many requests may run now. Until a server has shown that it hands out parts, it is one.
func (d *download) allowed(now time.Time) int {
	s := d.sources.best(now, nil)
	if s == nil {
		return 0
	}
	one, ranged := d.sole.Load() != nil, false
	d.sources.edit(func() { one, ranged = one || s.whole || s.failures > 0 && !s.ranged, s.ranged })
	n := d.tuner.width
	switch {
	case one:
		return 1
	case !ranged:
		n = d.early(now)
	}
	if d.f.brake.holds(d.r.Priority) {
		n = min(n, 2) // what is slowed down needs no more
	}
	return n
}

// share is how much of what is left one request should bring. A small share leaves work for requests that start later; a large one spares
// the pause between two requests. So a request is to last for many times that pause, but never longer than what is fair.
func (d *download) share(left int64) int64 {
	const most = 64 << 20 // so that a lost connection and a change of mind cost little
	width := int64(d.tuner.width)
	if d.tuner.max == 1 {
		return left
	}
	lasting := d.lasting()
	return min(max(left/int64(d.tuner.max), lasting, blockSize), max(left/width, blockSize), most)
}

// lasting is how many bytes a request has to bring so that the pause before it hardly counts.
func (d *download) lasting() int64 {
	each := d.meter.rate / float64(max(len(d.workers), 1))
	return int64(each * max(16*d.sources.latency(), tick).Seconds())
}

// leastSplit is what a request must have left so that it is shared.
const leastSplit = 64 << 10

// steal lets a new request bring half of what a slow one has left, and all of what a silent one has, once nothing else is left to do. Mirrors are
// preferred: slowness may be the server's. What is on its way to the slow one is lost when it is cut short: that must be worth it, and all
// together less than half a percent of the file.
func (d *download) steal(now time.Time) *lease {
	latency := d.sources.latency()
	return d.ledger.split(func(leases []*lease) (victim *lease, take int64) {
		worst := 500*time.Millisecond + 4*latency // less is not worth it
		cost := int64(4 << 10)
		for _, e := range leases {
			left := e.left()
			rate, known := e.rate(now)
			switch {
			case e.alone || left <= 0:
			case e.silent(now) > 2*time.Second+8*latency:
				return e, left
			case !known || left < leastSplit:
			default:
				if takes := time.Duration(float64(left) / max(rate, 1) * float64(time.Second)); takes > worst {
					victim, take, worst = e, left/2, takes
					cost = int64(rate*latency.Seconds()) + 4<<10
				}
			}
		}
		if victim == nil || d.wasted+cost > d.r.Length/200 {
			return nil, 0
		}
		d.wasted += cost
		return victim, take
	}, func(slow *source) *source { return d.sources.other(now, slow) })
}

func (d *download) start(ctx context.Context, e *lease) {
	w := &worker{d: d, lease: e, source: e.source}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	if !d.r.Segments.none() {
		w.proof = newProof(d.part)
	}
	if d.opened.IsZero() {
		d.opened = time.Now()
	}
	d.taking.Lock()
	d.workers[w] = true
	d.taking.Unlock()
	go func() {
		err := w.run()
		d.ledger.giveBack(e)
		d.ended <- result{w, err}
	}()
}

// dismiss ends all requests. What they brought stays.
func (d *download) dismiss(why error) {
	for w := range d.workers {
		w.cancel(why)
	}
	for len(d.workers) > 0 {
		d.forgetWorker(<-d.ended, errNoVerdict)
	}
}

func (d *download) forgetWorker(r result, verdict error) {
	d.taking.Lock()
	delete(d.workers, r.w)
	d.taking.Unlock()
	r.w.cancel(nil)
	if r.w.done != nil {
		r.w.done(verdict)
	}
	d.sole.CompareAndSwap(r.w, nil)
}

// ours tells whether the request was given up by ourselves, which says nothing about the server.
func (r result) ours() bool {
	return errors.Is(r.err, errHeld) || errors.Is(r.err, errYielded) || errors.Is(r.err, errRevoked) || context.Cause(r.w.ctx) != nil
}

// settle draws the consequences of how a request ended.
func (d *download) settle(r result) error {
	if r.err == nil {
		d.forgetWorker(r, nil)
		return nil
	}
	if r.ours() {
		d.forgetWorker(r, errNoVerdict)
		return nil
	}
	err, s := r.err, r.w.source
	if errors.Is(err, ErrDiskFull) || errors.Is(err, errDisk) {
		d.forgetWorker(r, errNoVerdict)
		return err
	}
	now := time.Now()
	if errors.Is(err, ErrBreaker) { // it was not asked
		d.forgetWorker(r, errNoVerdict)
		d.sources.edit(func() { s.notBefore = now.Add(d.f.o.pause(1)) })
		return nil
	}
	counted := d.sources.fail(s, r.w.began, now, d.ledger.most(), err)
	var again *retry
	verdict := err
	if !counted || !errors.As(err, &again) {
		verdict = errNoVerdict // one of many, or the host does answer
	}
	d.forgetWorker(r, verdict)
	if counted {
		d.tuner.trouble()
	}
	d.f.o.Log.Info("fetch: a request failed", "url", s.name(), "have", d.ledger.done(), "of", d.r.Length, "because", err)
	return nil
}

// begin sets how many requests run once a server has answered: a start for the tuner that saves it most of the way.
func (d *download) begin() {
	if d.begun {
		return
	}
	d.begun = true
	width := d.f.o.Start
	if width == 0 {
		width = max(filling(d.sources.latency()), 2) // while one of them writes and proves, the other reads
	}
	d.tuner.width = min(width, d.tuner.max)
}

// filling is how many requests to begin with: the longer an answer takes, the more of them it takes to fill the time, and the longer it would
// take to find their number by trying.
func filling(latency time.Duration) int { return 1 + int(latency/(5*time.Millisecond)) }

// early is how many requests may run before a server has shown that it hands out parts. A late answer is a hint that many will be needed.
// A server that hands out everything or nothing then sends some of it several times, so this is less than half a percent of the file.
func (d *download) early(now time.Time) int {
	const each = 64 << 10 // what is sent before a request is cut short
	affordable := int(d.r.Length / 200 / each)
	return max(1, min(filling(now.Sub(d.opened)), d.tuner.max/2, affordable))
}

// tune looks at what the present number of requests brings.
func (d *download) tune(now time.Time) {
	if d.f.brake.holds(d.r.Priority) || d.sole.Load() != nil {
		return
	}
	period := min(max(4*d.sources.latency(), tick), time.Second)
	d.tuner.look(now, d.received.Load(), period, len(d.workers) >= d.tuner.width)
}

func (d *download) tell(now time.Time, waiting Reason, always bool) {
	d.meter.tell(now, Progress{Done: d.ledger.done(), Total: d.r.Length, Requests: len(d.workers), Waiting: waiting}, d.received.Load(), always)
}
