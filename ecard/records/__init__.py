"""What a holder may look up and print: records of the business systems, asked at once, shown in parts."""
