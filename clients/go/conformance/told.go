package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

// told is an error as drivers tell it.
func told(err error) object {
	words := object{"kind": "Unexpected", "reason": "", "detail": err.Error(), "fields": []string{}, "retry_after": nil}
	var failed *sidecar.Error
	if errors.As(err, &failed) {
		fields := []string{}
		for _, field := range failed.Fields {
			fields = append(fields, field.Name)
		}
		words = object{
			"kind": failed.Kind.Name(), "reason": failed.Reason, "detail": failed.Detail, "fields": fields, "retry_after": nil,
		}
		if failed.RetryAfter != 0 {
			words["retry_after"] = failed.RetryAfter.Seconds()
		}
		switch failed.Kind {
		case sidecar.ErrRequestFailed:
			words["code"] = failed.Metadata["code"]
		case sidecar.ErrStreamReset:
			words["code"] = json.Number(failed.Metadata["code"])
			if failed.Metadata["code"] == "" {
				words["code"] = nil
			}
		}
		if errors.Is(err, sidecar.ErrCancelled) {
			words["reason"] = ""
		}
	}
	var several *sidecar.SendFailed
	if errors.As(err, &several) {
		words["kind"] = "SendFailed"
	}
	return words
}

// moment is seconds since 1970; null for no time.
func moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return float64(at.UnixNano()) / 1e9
}

// pattern is the payload of a size that holds every value.
func pattern(size int) []byte {
	payload := make([]byte, size)
	for index := range payload {
		payload[index] = byte(index*31 + size)
	}
	return payload
}

func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// seconds are a number of JSON as a duration.
func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

// headers are never null in JSON.
func headers(of map[string]string) map[string]string {
	if of == nil {
		return map[string]string{}
	}
	return of
}
