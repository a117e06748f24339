package handover

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// frame is what a peer may write, well-formed or not.
func frame(head string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, head...), data...)
}

func mailFrame(seq uint64, kind string, data []byte) []byte {
	head, err := json.Marshal(message{Kind: kindMail, Name: kind, Seq: seq})
	if err != nil {
		panic(err)
	}
	return frame(string(head), data)
}

// A peer that breaks a rule is treated as dead: the link ends, and with it the mail.
func TestPeerThatBreaksTheRules(t *testing.T) {
	big := make([]byte, MaxMessage)
	for name, sent := range map[string][]byte{
		"no head":             frame("", nil),
		"no JSON":             frame("hello", nil),
		"a head too long":     binary.BigEndian.AppendUint64(nil, uint64(maxHead+1)<<32),
		"data too long":       binary.BigEndian.AppendUint64(nil, 2<<32|uint64(MaxMessage+1)),
		"data with a beat":    frame(`{"kind":"beat"}`, []byte("x")),
		"a gap in the mail":   append(mailFrame(1, "a", nil), mailFrame(3, "a", nil)...),
		"mail twice":          append(mailFrame(1, "a", nil), mailFrame(1, "a", nil)...),
		"mail without a kind": mailFrame(1, "", nil),
		"more mail than fits": bytes.Join([][]byte{mailFrame(1, "a", big), mailFrame(2, "a", big)}, nil),
		"credit for nothing":  frame(`{"kind":"took","bytes":1}`, nil),
		"negative credit":     frame(`{"kind":"took","bytes":-1}`, nil),
		"a word not due":      frame(`{"kind":"commit"}`, nil),
	} {
		t.Run(name, func(t *testing.T) {
			l, peer := pair()
			go func() { _, _ = peer.Write(sent) }() // the link ends before all of it is read
			err := l.run(func(message) error { return ErrRefused })
			if !errors.Is(err, ErrRefused) {
				t.Errorf("the link ended with %v", err)
			}
			if err := l.post(t.Context(), "a", nil); !errors.Is(err, ErrClosed) {
				t.Errorf("a message afterwards: %v", err)
			}
		})
	}
}

func TestDataBeforeHello(t *testing.T) {
	ours, peer := net.Pipe()
	l := newLink(ours, ours)
	go func() { _, _ = peer.Write(frame(`{"kind":"mail"}`, []byte("x"))) }()
	if _, _, err := l.receive(); !errors.Is(err, ErrRefused) {
		t.Errorf("data before hello: %v", err)
	}
}

func pair() (*link, net.Conn) {
	ours, peer := net.Pipe()
	l := newLink(ours, ours)
	l.proven = true
	return l, peer
}

// connected are two links that read from one another until the test ends.
func connected(t *testing.T) (*link, *link) {
	a, b := net.Pipe()
	left, right := newLink(a, a), newLink(b, b)
	for _, l := range []*link{left, right} {
		l.proven = true
		go func() { _ = l.run(func(message) error { return nil }) }()
	}
	t.Cleanup(left.close)
	return left, right
}

func TestMailArrivesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, right := connected(t)
		const count = 3 * window / MaxMessage // more than fits at once
		data := make([]byte, MaxMessage)
		go func() {
			for range count {
				if err := left.post(t.Context(), "big", data); err != nil {
					t.Error(err)
				}
				if err := left.post(t.Context(), "small", []byte(`1`)); err != nil {
					t.Error(err)
				}
			}
			left.close()
		}()
		var seq uint64
		for m := range right.messages() {
			seq++
			want := map[bool]int{true: MaxMessage, false: 1}[seq%2 == 1]
			if m.Seq != seq || len(m.Data) != want {
				t.Fatalf("message %d came as %d with %d bytes", seq, m.Seq, len(m.Data))
			}
		}
		if seq != 2*count {
			t.Errorf("%d messages came", seq)
		}
	})
}

// Nobody reads: the sender waits, and everything else goes on.
func TestMailThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, right := connected(t)
		for range 2 {
			if err := left.post(t.Context(), "a", make([]byte, MaxMessage-perMessage)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		failed := make(chan error, 1)
		go func() { failed <- left.post(ctx, "a", nil) }()
		synctest.Wait()
		select {
		case err := <-failed:
			t.Fatalf("a message went beyond the window: %v", err)
		default:
		}
		cancel(enough)
		if err := <-failed; !errors.Is(err, enough) {
			t.Errorf("a message that was called off: %v", err)
		}
		if err := left.send(message{Kind: kindBeat}); err != nil {
			t.Errorf("a word beside the mail: %v", err)
		}
		for range 2 {
			<-right.messages()
		}
		synctest.Wait()
		if err := left.post(t.Context(), "a", nil); err != nil {
			t.Errorf("a message after there was room: %v", err)
		}
		left.close()
		<-right.messages() // and then the end
		for range right.messages() {
			t.Error("more than was sent")
		}
	})
}

func TestMailTooLarge(t *testing.T) {
	l, _ := pair()
	for _, err := range []error{
		l.post(t.Context(), "a", make([]byte, MaxMessage+1)), l.post(t.Context(), "", nil), l.post(t.Context(), string(make([]byte, maxKind+1)), nil),
	} {
		if err == nil || errors.Is(err, ErrClosed) {
			t.Errorf("a message too large: %v", err)
		}
	}
}

// Whatever a peer writes: no panic, an end, and no more memory than the window.
func FuzzPeer(f *testing.F) {
	f.Add(mailFrame(1, "a", []byte("x")))
	f.Add(frame(`{"kind":"took","bytes":5}`, nil))
	f.Add(append(frame(`{"kind":"ready","report":{"total":3}}`, nil), mailFrame(1, "edit", []byte(`{}`))...))
	f.Fuzz(func(t *testing.T, sent []byte) {
		ours, peer := net.Pipe()
		l := newLink(ours, bytes.NewReader(sent))
		l.proven = true
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		if err := l.run(func(message) error { return nil }); err == nil {
			t.Error("the end of a stream is an error")
		}
		if l.mail.held > window || l.mail.left > window {
			t.Errorf("%d bytes held, %d left", l.mail.held, l.mail.left)
		}
	})
}
