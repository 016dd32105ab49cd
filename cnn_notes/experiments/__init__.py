"The experiments behind the course's measurements, one module per lesson; `cnn_notes.measured` runs them."
