"""What `make bench` measures; each module returns figures, name -> one value a round."""
