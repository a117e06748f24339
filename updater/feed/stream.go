package feed

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Limits of a push stream, in bytes.
const (
	maxLine  = 1 << 10
	maxEvent = 4 << 10
)

// event is one server-sent event.
type event struct{ name, data string }

var errTooLong = errors.New("a line or an event of the push stream is too long")

// readEvents reads a stream in the format of server-sent events until it ends:
// alive is called for every line, each for every event that has data. Comments,
// and fields that this client has no use for, are passed over.
func readEvents(r io.Reader, alive func(), each func(event)) error {
	lines := bufio.NewReaderSize(r, maxLine)
	var now event
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return errTooLong
		}
		if err != nil {
			return err // what was begun does not count
		}
		alive()
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if now.data != "" {
				each(now)
			}
			now = event{}
			continue
		}
		now.add(text)
		if len(now.data)+len(now.name) > maxEvent {
			return errTooLong
		}
	}
}

func (e *event) add(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		e.name = value
	case "data":
		if e.data != "" {
			e.data += "\n"
		}
		e.data += value
	}
}
