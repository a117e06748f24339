package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"
)

// A record's file, all numbers little endian:
//
//	offset  bytes
//	     0      8  magic, with the version of this layout as its last byte
//	     8      8  sequence number
//	    16      8  time, nanoseconds since 1970
//	    24      4  schema
//	    28      8  length of the payload
//	    36      4  CRC-32C of the 36 bytes before and of the payload
//	    40         payload
const (
	magic      = "UISNAP\x00\x01"
	headerSize = 40
	maxSchema  = math.MaxInt32
)

var (
	errDamaged = errors.New("snapshot is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func encode(r Record, payload []byte) []byte {
	data := make([]byte, headerSize, headerSize+len(payload))
	copy(data, magic)
	binary.LittleEndian.PutUint64(data[8:], r.Seq)
	binary.LittleEndian.PutUint64(data[16:], uint64(r.At.UnixNano()))
	binary.LittleEndian.PutUint32(data[24:], uint32(r.Schema))
	binary.LittleEndian.PutUint64(data[28:], uint64(len(payload)))
	binary.LittleEndian.PutUint32(data[36:], checksum(data, payload))
	return append(data, payload...)
}

func checksum(header, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(header[:36], castagnoli), castagnoli, payload)
}

// decode returns what encode was given, or an error that is errDamaged. The payload shares data's memory.
func decode(data []byte) (Record, []byte, error) {
	if len(data) < headerSize {
		return Record{}, nil, fmt.Errorf("%w: it ends after %d bytes", errDamaged, len(data))
	}
	if string(data[:8]) != magic {
		return Record{}, nil, fmt.Errorf("%w: it does not start as one", errDamaged)
	}
	payload := data[headerSize:]
	if length := binary.LittleEndian.Uint64(data[28:]); length != uint64(len(payload)) {
		return Record{}, nil, fmt.Errorf("%w: it has %d bytes where %d were written", errDamaged, len(payload), length)
	}
	if binary.LittleEndian.Uint32(data[36:]) != checksum(data, payload) {
		return Record{}, nil, fmt.Errorf("%w: its checksum differs", errDamaged)
	}
	schema := binary.LittleEndian.Uint32(data[24:])
	if schema > maxSchema {
		return Record{}, nil, fmt.Errorf("%w: schema %d", errDamaged, schema)
	}
	return Record{
		Seq:    binary.LittleEndian.Uint64(data[8:]),
		Schema: int(schema),
		At:     time.Unix(0, int64(binary.LittleEndian.Uint64(data[16:]))),
		Size:   int64(len(payload)),
	}, payload, nil
}

// name is a record's file name, from which the journal is listed without reading the records.
type name struct {
	seq    uint64
	schema int
}

func (n name) String() string { return fmt.Sprintf("%016x-%d.snapshot", n.seq, n.schema) }

func parseName(s string) (name, bool) {
	var n name
	if _, err := fmt.Sscanf(s, "%016x-%d.snapshot", &n.seq, &n.schema); err != nil {
		return name{}, false
	}
	// Printing it again refuses all other ways to write the same numbers.
	return n, n.String() == s && n.schema >= 0 && n.schema <= maxSchema
}
