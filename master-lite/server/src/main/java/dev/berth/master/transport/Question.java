package dev.berth.master.transport;

import dev.berth.http.Encoding;
import dev.berth.master.operator.Page;
import dev.berth.master.operator.PageQuery;
import dev.berth.master.operator.Readings;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.master.Protos.Call;

/** What can be read of the cluster. Equal questions about one moment have the same answer, to the byte. */
sealed interface Question {
    /** What it costs. */
    Readings.Size size();

    /** Of the answer. */
    String mediaType();

    /** The answer. */
    byte[] write(Readings readings);

    /** A question of the operator API. */
    record OfCall(Call.Type type, Encoding encoding) implements Question {
        @Override
        public Readings.Size size() {
            return Readings.size(type);
        }

        @Override
        public String mediaType() {
            return encoding.mediaType();
        }

        @Override
        public byte[] write(Readings readings) {
            return encoding.write(readings.answer(type));
        }
    }

    /** One of Mesos's older pages. */
    record OfPage(Page page, PageQuery query) implements Question {
        @Override
        public Readings.Size size() {
            return Readings.size(page);
        }

        @Override
        public String mediaType() {
            return Encoding.JSON.mediaType();
        }

        @Override
        public byte[] write(Readings readings) {
            return readings.page(page, query);
        }
    }

    /** Metrics as Prometheus reads them. */
    record OfPrometheus() implements Question {
        static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";

        @Override
        public Readings.Size size() {
            return Readings.Size.SMALL;
        }

        @Override
        public String mediaType() {
            return TEXT;
        }

        @Override
        public byte[] write(Readings readings) {
            return readings.prometheus();
        }
    }

    /** The first record of an operator's stream. */
    record OfStream(Encoding encoding) implements Question {
        @Override
        public Readings.Size size() {
            return Readings.Size.WHOLE;
        }

        @Override
        public String mediaType() {
            return encoding.mediaType();
        }

        @Override
        public byte[] write(Readings readings) {
            return RecordIo.frame(encoding.write(readings.subscribed()));
        }
    }
}
