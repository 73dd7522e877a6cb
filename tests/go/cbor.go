package main

import (
	"encoding/binary"
	"errors"
)

// pair is one member of a map, in its place.
type pair struct {
	key   uint64
	value interface{}
}

var errCut = errors.New("it is cut off")

// readCBOR reads the one value that Ombud's encoding has at the beginning: uint64, int64 (negative), []byte, string,
// []interface{}, []pair, bool, nil. Tags are passed over.
func readCBOR(data []byte) (interface{}, []byte, error) {
	if len(data) == 0 {
		return nil, nil, errCut
	}
	major, small := data[0]>>5, data[0]&31
	data = data[1:]
	number := uint64(small)
	if small >= 24 && small <= 27 && major != 7 {
		width := 1 << (small - 24)
		if len(data) < width {
			return nil, nil, errCut
		}
		number = 0
		for _, one := range data[:width] {
			number = number<<8 | uint64(one)
		}
		data = data[width:]
	} else if small > 27 && major != 7 {
		return nil, nil, errors.New("a length that is not allowed here")
	}
	switch major {
	case 0:
		return number, data, nil
	case 1:
		return -1 - int64(number), data, nil
	case 2, 3:
		if uint64(len(data)) < number {
			return nil, nil, errCut
		}
		if major == 3 {
			return string(data[:number]), data[number:], nil
		}
		return append([]byte{}, data[:number]...), data[number:], nil
	case 4:
		list := []interface{}{}
		for ; number > 0; number-- {
			value, rest, err := readCBOR(data)
			if err != nil {
				return nil, nil, err
			}
			list, data = append(list, value), rest
		}
		return list, data, nil
	case 5:
		members := []pair{}
		for ; number > 0; number-- {
			key, rest, err := readCBOR(data)
			if err != nil {
				return nil, nil, err
			}
			name, ok := key.(uint64)
			if !ok {
				return nil, nil, errors.New("a key that is no number")
			}
			value, rest, err := readCBOR(rest)
			if err != nil {
				return nil, nil, err
			}
			members, data = append(members, pair{name, value}), rest
		}
		return members, data, nil
	case 6:
		return readCBOR(data)
	}
	switch small {
	case 20, 21:
		return small == 21, data, nil
	case 22:
		return nil, data, nil
	}
	return nil, nil, errors.New("a value that is not used")
}

// appendCBOR writes a value as readCBOR reads it, in the shortest spelling.
func appendCBOR(out []byte, value interface{}) []byte {
	switch value := value.(type) {
	case uint64:
		return appendHead(out, 0, value)
	case int64:
		return appendHead(out, 1, uint64(-1-value))
	case []byte:
		return append(appendHead(out, 2, uint64(len(value))), value...)
	case string:
		return append(appendHead(out, 3, uint64(len(value))), value...)
	case []interface{}:
		out = appendHead(out, 4, uint64(len(value)))
		for _, one := range value {
			out = appendCBOR(out, one)
		}
		return out
	case []pair:
		out = appendHead(out, 5, uint64(len(value)))
		for _, one := range value {
			out = appendCBOR(appendHead(out, 0, one.key), one.value)
		}
		return out
	case bool:
		if value {
			return append(out, 0xf5)
		}
		return append(out, 0xf4)
	}
	return append(out, 0xf6)
}

func appendHead(out []byte, major byte, number uint64) []byte {
	major <<= 5
	switch {
	case number < 24:
		return append(out, major|byte(number))
	case number < 1<<8:
		return append(out, major|24, byte(number))
	case number < 1<<16:
		return binary.BigEndian.AppendUint16(append(out, major|25), uint16(number))
	case number < 1<<32:
		return binary.BigEndian.AppendUint32(append(out, major|26), uint32(number))
	}
	return binary.BigEndian.AppendUint64(append(out, major|27), number)
}
